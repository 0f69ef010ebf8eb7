-- The ledger's two users, run once by an administrator of the database, in it:
--   psql --set owner=warren_owner --set reader_writer=warren --file ledger-roles.sql
-- The owner makes and changes the tables (`warren ledger migrate`). Director and team leads connect as the other, who can
-- write rows but no tables. Both users must exist, and so may this be run again.
GRANT CONNECT ON DATABASE :"DBNAME" TO :"reader_writer";
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"reader_writer";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"reader_writer";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"reader_writer";
-- tables that are there already
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"reader_writer";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"reader_writer";
