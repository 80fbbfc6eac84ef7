-- Since when the oldest disagreement is kept.
select d.called_at from app.holdfast_disagreements d order by d.called_at limit 1
