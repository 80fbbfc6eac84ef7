-- What attach added, the last first.
select a.undo, a.holds_data from app.holdfast_additions a order by a.step desc
