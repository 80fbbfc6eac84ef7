-- Nothing here is for PUBLIC: rights are granted by attach, to the roles that it is given.
revoke all on schema holdfast from public;
comment on schema holdfast is
  'holdfast: a held table becomes a confirmed booking exactly once. attach() binds an application''s schema.';
