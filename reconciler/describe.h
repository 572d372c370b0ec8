/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the store remembers, as the JSON that verbs answer with. */

#include "reconciler/head.h"

/* NAME, or REPOSITORY/NAME where its catalog has it so; the caller frees. */
int describe_image(
	struct head *head, const struct image_record *image, char **name, struct error *err);

/* 0 and false become null. */
void describe_moment(struct json *object, const char *key, int64_t usec);
void describe_number(struct json *object, const char *key, int64_t number);
void describe_digest(struct json *object, const char *key, bool known, const struct digest *digest);
/* A column of JSON text as JSON; broken or NULL: null. The caller frees. */
struct json *describe_column(const char *text);
/* [{"phase", "at"}] of those of a build's events that moved it. The caller frees. */
struct events;
struct json *describe_phases(const struct events *events);

/* {"version", "build", "phase", "commit", "closure", "digest", "created", "reasons"} */
struct json *describe_version(const struct build_record *build);
/* {"build", "phase", "commit", "closure", "started", "ended", "error"} */
struct json *describe_build(const struct build_record *build);
/* {"current": N, ...} */
int describe_channels(struct head *head, int64_t image, struct json **channels, struct error *err);

struct client;
/* Answers CLIENT with {"images": [...]}: ADD puts what it has to say of each image there, if anything. Between them the loop goes on. */
int describe_images(struct head *head, struct client *client,
	int (*add)(struct head *head, const struct image_record *image, struct json *images,
		struct error *err),
	struct error *err);
