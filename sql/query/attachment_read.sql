-- What attach found in the schema; read once a session, and again when one of the tables changed.
select feature from app.holdfast_attachment
