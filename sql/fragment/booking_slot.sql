-- The slot of the restaurant that the booking is for.
       (
         select s.id from app.booking_slots s
         join app.bookings b on b.id = :booking and b.booking_date = s.slot_date and b.start_time = s.slot_time
         where s.restaurant_id = :restaurant
         order by s.id
         limit 1
       ),
