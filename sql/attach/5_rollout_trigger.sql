-- Sessions learn of a change of the rollout, and what it may say is checked, by functions of the extension, which the owner
-- of a schema may not use: a superuser makes these triggers.
create or replace trigger holdfast_rollout_changed
  after insert or update or delete or truncate on app.holdfast_rollout
  for each statement execute function holdfast.rollout_changed();
create or replace trigger holdfast_rollout_checked
  after insert or update on app.holdfast_rollout
  for each row execute function holdfast.rollout_checked();
alter trigger holdfast_rollout_checked on app.holdfast_rollout depends on extension holdfast;
alter trigger holdfast_rollout_changed on app.holdfast_rollout depends on extension holdfast;
