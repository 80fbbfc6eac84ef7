-- What an undo brings back of an allocation that was the booking's own.
returning al.id as place,
          case when al.booking_id = :booking and al.resource_type in ('table', 'merge_group') and not al.shadow
          then pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
            'id', al.id, 'resource_type', al.resource_type, 'resource_id', al.resource_id, 'created_by', al.created_by,
            'start_at', pg_catalog.lower(al."window"), 'end_at', pg_catalog.upper(al."window"))) end as row
