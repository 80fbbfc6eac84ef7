-- Shadow mode and rehearse, for a rollout that an earlier release made.
alter table app.holdfast_rollout
  drop constraint holdfast_rollout_mode_check,
  add constraint holdfast_rollout_mode_check check (mode in ('on', 'original', 'shadow', 'rehearse'));
