-- Lets the look at commits rest until an instant.
update app.holdfast_commit_scan v set due_at = :until where v.id
