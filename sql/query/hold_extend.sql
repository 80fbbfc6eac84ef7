-- Gives a hold ($1) that is locked a later deadline ($2).
update app.table_holds h set expires_at = $2
where h.id = $1
returning h.expires_at
