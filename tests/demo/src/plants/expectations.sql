-- A request against the rules that was let through.
update evening.expectations set got = 'HF001'
where ctid = (select ctid from evening.expectations where expected <> 'HF001' order by booking_id limit 1);
