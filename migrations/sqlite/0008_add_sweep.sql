-- A file belongs to one process, which needs no hints: its due times are those of its sweeps too. The number is taken so
-- that both databases have the same.

SELECT 1;
