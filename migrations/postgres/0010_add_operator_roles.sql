-- What an operator may do, and since when no more. One who was revoked stays: the journal knows them by their name, which
-- nobody else may get.
--
-- A program that does not know of this lets viewers act, and those who were revoked in: roles hold once every API process
-- knows this migration.

ALTER TABLE operators
    ADD COLUMN role       text        NOT NULL DEFAULT 'operator' CHECK (role IN ('viewer', 'operator')),
    ADD COLUMN revoked_at timestamptz;
