-- Run once by PostgreSQL's image, when its data folder is made. The passwords come from files, by psql itself: on a
-- command line every process of the machine could read them.
SET log_min_error_statement = panic;
\set sketchserve `cat /secrets/postgres/sketchserve`
\set monitor `cat /secrets/postgres/monitor`
-- CREATEDB: a backup counts only after it was restored into a scratch database.
CREATE ROLE sketchserve LOGIN CREATEDB PASSWORD :'sketchserve';
CREATE DATABASE sketchserve OWNER sketchserve;
CREATE ROLE monitor LOGIN IN ROLE pg_monitor PASSWORD :'monitor';
-- The image leaves it in the server's environment. Nobody needs it: the superuser comes in through the socket.
ALTER ROLE postgres PASSWORD NULL;
