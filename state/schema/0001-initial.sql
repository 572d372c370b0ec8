-- SPDX-License-Identifier: Apache-2.0
-- What kiln remembers. Times are microseconds since 1970, digests 32 raw bytes, commits hexadecimal text.
-- Keys come first in tables WITHOUT ROWID: SQLite 3.40's integrity_check takes another order for NULLs.
-- This file is never edited once it was released: a change is a new file.

-- Repositories that were ever applied.
CREATE TABLE repositories (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	place TEXT NOT NULL UNIQUE,        -- canonical path or URL
	ref TEXT NOT NULL,                 -- followed; fixed at the first apply
	prefixed INTEGER NOT NULL,         -- its images lie under its name in the catalogs
	last_commit TEXT                   -- applied last
) STRICT;

CREATE TABLE images (
	id INTEGER PRIMARY KEY,
	repository INTEGER NOT NULL REFERENCES repositories (id),
	name TEXT NOT NULL,
	last_version INTEGER NOT NULL DEFAULT 0, -- the highest number ever given: none is given twice
	held INTEGER NOT NULL DEFAULT 0,         -- nothing is built or switched
	UNIQUE (repository, name)
) STRICT;

-- Closures that something was built from.
CREATE TABLE closures (
	digest BLOB PRIMARY KEY,
	text TEXT NOT NULL,
	notes TEXT NOT NULL                -- JSON: variables as they were, for explanations
) STRICT, WITHOUT ROWID;

-- One attempt each, and, once it has a number, the version that it became.
CREATE TABLE builds (
	id TEXT PRIMARY KEY,
	image INTEGER NOT NULL REFERENCES images (id),
	phase TEXT NOT NULL,               -- state/phase.c
	version INTEGER,                   -- given when it enters publishing
	commit_id TEXT NOT NULL,
	author TEXT NOT NULL,
	authored_usec INTEGER NOT NULL,
	closure BLOB NOT NULL REFERENCES closures (digest),
	reuses INTEGER,                    -- the version whose artifact is validated or published again
	definition TEXT NOT NULL,          -- key of the definition it came from
	policy TEXT NOT NULL,              -- JSON: validate, publish, channels, keep ... as they were
	reasons TEXT NOT NULL,             -- JSON
	bases TEXT NOT NULL,               -- JSON: [{image, version, digest}]
	builder TEXT NOT NULL,
	digest BLOB,                       -- of the artifact, once there is one
	artifact TEXT,                     -- JSON: its files
	validated BLOB,                    -- digest of the rules that it passed last
	created_usec INTEGER NOT NULL,
	started_usec INTEGER,
	ended_usec INTEGER,                -- left building, validating, publishing, switching
	live_usec INTEGER,                 -- went live last
	confirmed_usec INTEGER,            -- a build last gave this artifact: what age counts from
	attempts INTEGER NOT NULL DEFAULT 0,
	error_kind TEXT,
	error_text TEXT
) STRICT;
CREATE UNIQUE INDEX builds_by_version ON builds (image, version) WHERE version IS NOT NULL;
CREATE INDEX builds_by_image ON builds (image, created_usec);
CREATE INDEX builds_under_way ON builds (phase)
	WHERE phase IN ('planned', 'building', 'validating', 'publishing', 'switching', 'retiring');
CREATE INDEX builds_by_commit ON builds (commit_id);
CREATE INDEX builds_by_digest ON builds (digest) WHERE digest IS NOT NULL;
CREATE INDEX builds_by_closure ON builds (image, closure);

CREATE TABLE channels (
	image INTEGER NOT NULL REFERENCES images (id),
	name TEXT NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (image, name)
) STRICT, WITHOUT ROWID;

-- Further closures whose result was byte for byte the version's.
CREATE TABLE equals (
	image INTEGER NOT NULL REFERENCES images (id),
	closure BLOB NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (image, closure)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
	image INTEGER NOT NULL REFERENCES images (id),
	version INTEGER NOT NULL,
	PRIMARY KEY (image, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantines (
	image INTEGER NOT NULL REFERENCES images (id),
	closure BLOB NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (image, closure, version)
) STRICT, WITHOUT ROWID;

-- Failures have a memory, keyed by what failed.
CREATE TABLE failures (
	image INTEGER NOT NULL REFERENCES images (id),
	closure BLOB NOT NULL,
	kind TEXT NOT NULL,                -- base/error.h
	text TEXT NOT NULL,
	tries INTEGER NOT NULL,
	next_usec INTEGER,                 -- not before; NULL: only when something changes
	PRIMARY KEY (image, closure)
) STRICT, WITHOUT ROWID;

-- Things outside of the store, written down before they are made.
CREATE TABLE ledger (
	id INTEGER PRIMARY KEY,
	build TEXT NOT NULL,
	kind TEXT NOT NULL,                -- folder, staged, worker ...
	tag TEXT NOT NULL,                 -- how to find it again
	created_usec INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_by_build ON ledger (build);

-- The audit history. Each line carries the digest of the one before.
CREATE TABLE events (
	id INTEGER PRIMARY KEY,
	usec INTEGER NOT NULL,
	kind TEXT NOT NULL,
	image TEXT NOT NULL,               -- REPOSITORY/NAME, '' where none is meant
	build TEXT NOT NULL,
	data TEXT NOT NULL,                -- JSON
	previous BLOB NOT NULL,
	digest BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_build ON events (build);
CREATE INDEX events_by_image ON events (image);

-- ---- a cache for planning: what each definition gave at one tree. Without it the same answer, slower. ----

CREATE TABLE plan_trees (
	id INTEGER PRIMARY KEY,
	place TEXT NOT NULL UNIQUE,        -- of the repository, applied or not
	tree BLOB,                         -- git's id of the tree that the rows below describe; NULL: none are there
	fingerprint BLOB,                  -- of everything else that decides them
	listed INTEGER NOT NULL DEFAULT 0, -- kiln.json lists the images
	images INTEGER NOT NULL DEFAULT 0  -- how many
) STRICT;

CREATE TABLE plan_definitions (
	id INTEGER PRIMARY KEY,
	tree INTEGER NOT NULL,
	key TEXT NOT NULL,
	digest BLOB NOT NULL,              -- of what kiln.json says about it
	UNIQUE (tree, key)
) STRICT;

CREATE TABLE plan_images (
	definition INTEGER NOT NULL,
	position INTEGER NOT NULL,
	tree INTEGER NOT NULL,
	name TEXT NOT NULL,
	facts TEXT NOT NULL,               -- JSON, reconciler/view.c
	closure BLOB,                      -- NULL: not known
	PRIMARY KEY (definition, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_images_by_name ON plan_images (tree, name);

-- The reverse index: whose plan a change of PATH can alter.
CREATE TABLE plan_paths (
	tree INTEGER NOT NULL,
	path TEXT NOT NULL,
	definition INTEGER NOT NULL,
	prefix INTEGER NOT NULL,           -- a change below it counts too
	PRIMARY KEY (tree, path, definition)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_paths_by_definition ON plan_paths (definition);

CREATE TABLE plan_bases (
	tree INTEGER NOT NULL,
	base TEXT NOT NULL,                -- the name of an image
	definition INTEGER NOT NULL,
	PRIMARY KEY (tree, base, definition)
) STRICT, WITHOUT ROWID;
CREATE INDEX plan_bases_by_definition ON plan_bases (definition);
