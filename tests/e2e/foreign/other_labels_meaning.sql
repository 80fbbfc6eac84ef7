-- What the owner tells holdfast about labels that the contract does not know.
insert into "Harbour Dining".holdfast_booking_statuses (status, is_confirm_target, holds_tables, occupies_tables, releases_tables)
values ('requested', false, true, false, false), ('seated', false, true, true, false), ('left', false, false, false, true),
       ('withdrawn', false, false, false, true), ('absent', false, false, false, false);
insert into "Harbour Dining".holdfast_status_transitions (from_status, to_status)
values ('requested', 'confirmed'), ('requested', 'withdrawn'), ('confirmed', 'seated'), ('confirmed', 'withdrawn'),
       ('confirmed', 'absent'), ('seated', 'left'), ('seated', 'absent'), ('absent', 'confirmed');
