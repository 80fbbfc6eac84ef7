-- Gives a hold that is locked a later deadline.
update app.table_holds h set expires_at = :expires_at
where h.id = :hold
returning h.expires_at
