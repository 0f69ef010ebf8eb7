#!/bin/sh
# Run by the image when the database is made: the user of director and team leads, who owns no table. See k8s/ledger-roles.sql.
# The password comes by the environment and standard input, so that it is in no list of processes.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv owner POSTGRES_USER
\getenv user LEDGER_USER
\getenv password LEDGER_PASSWORD
CREATE ROLE :"user" LOGIN PASSWORD :'password';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"user";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"user";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"user";
SQL
