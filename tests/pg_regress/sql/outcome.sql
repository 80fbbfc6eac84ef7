-- Outcomes: the catalogue of everything a call can come to.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
reset client_min_messages;

select name, code, sqlstate, disposition, http_status from holdfast.outcomes order by code;

-- Callers take 42883 and 42P01 for "not installed": we never say them. Codes are ours alone.
select count(*) filter (where sqlstate in ('42883', '42P01')) as not_installed,
       count(*) = count(distinct name) as names_differ, count(*) = count(distinct code) as codes_differ,
       bool_and(code ~ '^HF[0-9]{3}$') as codes_well_formed,
       bool_and((disposition = 'success') = (sqlstate = '00000')) as success_is_no_error,
       bool_and(sentence ~ '^[A-Z].*\.$') as sentences
from holdfast.outcomes;
