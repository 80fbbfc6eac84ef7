# A script for psql as the plain SQL that it runs, for a linter that knows no psql: what stands in a loop of tries stands
# alone, and psql's own lines are gone.
/^\\/ { next }
/^do \$holdfast\$$/ { inside = 1; next }
inside && /^end \$holdfast\$;$/ { inside = 0; next }
inside && /^      set local lock_timeout/ { print "set lock_timeout = '50ms';"; next }
inside && /^      (return;|perform|raise;|if |end if)/ { next }
inside && /^        / { next }
inside && /^      / { print substr($0, 7); next }
inside { next }
{ gsub(/ \\gset$/, ";"); gsub(/:'[a-z]+'/, "''"); print }
