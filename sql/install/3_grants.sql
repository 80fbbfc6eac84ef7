-- Secure by default: what is created above is for the owner alone.
revoke all on all functions in schema holdfast from public;
revoke all on all tables in schema holdfast from public;
