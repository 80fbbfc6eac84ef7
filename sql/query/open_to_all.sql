-- May everybody execute a function that nothing else leans on? A view or a policy runs it with its reader's rights.
select pg_catalog.has_function_privilege('public', :function, 'execute')
   and not exists (
     select from pg_catalog.pg_depend d
     where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.refobjid = :function and d.deptype = 'n'
       and d.classid <> 'pg_catalog.pg_trigger'::pg_catalog.regclass
   ) as open
