-- SPDX-License-Identifier: Apache-2.0
-- What metrics count of every build there ever was, without a look at the builds themselves.
CREATE INDEX builds_figures ON builds (phase, started_usec, ended_usec);
