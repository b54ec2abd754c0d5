-- The sagas that are looked at: those accepted since then, by their ids, and whatever is under way.
WITH scope AS (
    SELECT * FROM sagas WHERE id >= $1
     UNION ALL
    SELECT * FROM sagas WHERE id < $1 AND ended_at IS NULL
)
