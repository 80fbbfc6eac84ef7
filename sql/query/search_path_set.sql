-- For the rest of the call: functions of the application find their tables by it.
select pg_catalog.set_config('search_path', $1, true)
