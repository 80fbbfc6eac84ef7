-- The release that attached the schema of these bookings.
select a.version as release from holdfast.attachment a where a.bookings = :bookings
