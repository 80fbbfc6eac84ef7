-- Idempotency key: the recipe by which inline and background paths come to the same key without talking.
set client_min_messages = warning;
create extension if not exists holdfast cascade;
select holdfast.create_reference_schema('floor');
select holdfast.attach('floor');
reset client_min_messages;
set search_path = floor;
set timezone = 'UTC';
set datestyle = 'ISO';
\set VERBOSITY default
\set SHOW_CONTEXT never

\set booking 00000000-0000-0000-0000-0000000000b1
\set trattoria 00000000-0000-0000-0000-0000000000e1
-- 12 hex of sha256(id|restaurant|party|dateTtime), the time with its seconds.
select auto_assign_idempotency_key(
  p_booking_id => :'booking', p_restaurant_id => :'trattoria', p_party_size => 4,
  p_booking_date => '2031-05-01', p_start_time => '18:30') as key \gset
select :'key' as key, :'key' = 'booking-' || :'booking' || '-auto-assign-' || left(encode(sha256(convert_to(
  :'booking' || '|' || :'trattoria' || '|4|2031-05-01T18:30:00', 'UTF8')), 'hex'), 12) as by_the_recipe;
-- Another party or hour is another key; the session's time zone and date style are not in it.
select auto_assign_idempotency_key(:'booking', :'trattoria', 5, '2031-05-01', '18:30') = :'key' as other_party,
       auto_assign_idempotency_key(:'booking', :'trattoria', 4, '2031-05-01', '19:30') = :'key' as other_hour;
set timezone = 'Asia/Kathmandu';
set datestyle = 'SQL, DMY';
select auto_assign_idempotency_key(:'booking', :'trattoria', 4, '01/05/2031', '18:30') = :'key' as same;
-- What is not known makes no key.
select auto_assign_idempotency_key(:'booking', :'trattoria', null, '01/05/2031', '18:30') is null as none;

set client_min_messages = warning;
drop schema floor cascade;
