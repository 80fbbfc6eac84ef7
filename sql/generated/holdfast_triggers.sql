-- Made by `make docs` from src/rules/schema, for people to read and for the linters.
create or replace trigger holdfast_rollout_changed
  after insert or update or delete or truncate on app.holdfast_rollout
  for each statement execute function holdfast.rollout_changed();

alter trigger holdfast_rollout_changed on app.holdfast_rollout depends on extension holdfast;

create or replace trigger holdfast_rollout_checked
  after insert or update on app.holdfast_rollout
  for each row execute function holdfast.rollout_checked();

alter trigger holdfast_rollout_checked on app.holdfast_rollout depends on extension holdfast;
