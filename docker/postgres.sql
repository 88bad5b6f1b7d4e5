-- Run by the image once, as the superuser, when it makes its data: the role that Connectify logs in
-- as, and the database that this role owns. Partitions are made and dropped, and time limits set on
-- the database, by their owner; nothing of ours needs more.
\set ON_ERROR_STOP on
\getenv role CONNECTIFY_ROLE
\getenv password CONNECTIFY_PASSWORD
\getenv database CONNECTIFY_DATABASE
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
-- doctor finds transactions that somebody else has left open.
GRANT pg_monitor TO :"role";
-- In its template the schema public belongs to whoever owns the database.
CREATE DATABASE :"database" OWNER :"role";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
