-- Lets the look at commits rest until $1.
update app.holdfast_commit_scan v set due_at = $1 where v.id
