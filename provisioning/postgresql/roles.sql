-- Who may do what in the database of the pages, on PostgreSQL: run it as the database's owner, behind the first nightly run,
-- and after each new version again, behind that version's first nightly run (docs/operating.md, The pages).
--
--     psql wederhoor_people --file roles.sql
--
-- The owner is the nightly run's user: it makes the tables and lets go what is old. The pages and the reading room own
-- nothing. So who breaks into the pages cannot alter the audit trail, nor take away what keeps it there; and the reading
-- room writes what it must, and nothing else. Each role has the name of a user of the machine, who comes by the socket
-- (`peer` in pg_hba.conf) without a password.

\set ON_ERROR_STOP on
BEGIN;

DO $$
DECLARE
    other text := (SELECT min(tableowner) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> current_user);
BEGIN
    IF other IS NOT NULL OR current_user IN ('wederhoor-web', 'wederhoor-reading-room') THEN
        RAISE EXCEPTION 'the tables must be those of the nightly run''s user, and that user must run this: some are %''s, you are %',
            coalesce(other, current_user), current_user
            USING HINT = 'As the superuser of this database: REASSIGN OWNED BY "wederhoor-web" TO "wederhoor-archive"';
    END IF;
END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "wederhoor-web", "wederhoor-reading-room";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "wederhoor-web";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "wederhoor-web";
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM "wederhoor-web";
REVOKE UPDATE, DELETE ON trail_line FROM "wederhoor-web";
REVOKE INSERT, UPDATE, DELETE ON trail_checkpoint FROM "wederhoor-web";
REVOKE DELETE ON trail_head FROM "wederhoor-web";

GRANT SELECT ON ALL TABLES IN SCHEMA public TO "wederhoor-reading-room";
GRANT INSERT ON trail_line, trail_head TO "wederhoor-reading-room";
GRANT UPDATE ON trail_head, training_fragment, training_fragmentpermit, listening_permit, rights_copypermit
    TO "wederhoor-reading-room";

COMMIT;
