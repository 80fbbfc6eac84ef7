# A script for psql as the plain SQL that it runs, for a linter that knows no psql: what is tried again stands alone,
# and psql's own lines, the script's own routines and the dropping of its own tables are gone.
/^\\/ { next }
/^create or replace (procedure|function) pg_temp\./ || /^do \$swap\$$/ { inside = 1 }
inside { if (/^(end \$swap\$|\$holdfast\$);$/) inside = 0; next }
/^call pg_temp\.briefly\($/ { print "set lock_timeout = '50ms';"; next }
/^  \$s\$drop .*_holdfast_(old|changed|note)/ { next }
/^  \$s\$/ { sub(/^  \$s\$/, ""); sub(/\$s\$,?$/, ""); print $0 ";"; next }
/^\);$/ || /^call pg_temp\./ { next }
{ gsub(/ \\(gset|gexec)$/, ";"); gsub(/:'[a-z]+'/, "''"); print }
