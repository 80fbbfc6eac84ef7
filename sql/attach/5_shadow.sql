-- What the original functions and holdfast did not agree on, while a rollout says shadow.
create table if not exists app.holdfast_disagreements (
  id bigint generated always as identity primary key,
  called_at timestamptz not null,
  -- The function of the contract that was called.
  function text not null,
  booking_id uuid,
  -- theirs_refused, theirs_done, ours_failed, refusals_differ, answers_differ, effects_differ, stuck
  kind text not null,
  -- F1 to F28, where it shows one of them; none: it is another difference.
  faults text[] not null,
  -- The arguments as given.
  request jsonb not null,
  -- What each side says: rows, a status, or a refusal. Theirs is what the caller got.
  ours jsonb not null,
  theirs jsonb not null,
  -- Who called, and how the session was set.
  session jsonb not null
);
create index if not exists holdfast_disagreements_called_idx on app.holdfast_disagreements (called_at);
comment on table app.holdfast_disagreements is
  'holdfast: calls that the original functions and ours did not agree on, in shadow mode; kept for holdfast.ledger_retention_days; read holdfast.shadow_report';
