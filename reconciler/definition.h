/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the repository says about its images: kiln.json, or without one every template. One definition names a template
 * and gives one image for each build of it that it selects.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/map.h"
#include "reconciler/reason.h"

#define DEFINITIONS_PATH "kiln.json"

enum engine { ENGINE_AUTO, ENGINE_NATIVE, ENGINE_PACKER };
enum gate { GATE_REPORT, GATE_REFUSE, GATE_OFF, GATE_COUNT };
enum checkpoint_kind { CHECKPOINT_BY_BUILDER, CHECKPOINT_MEMORY, CHECKPOINT_DISK, CHECKPOINT_OFF };

/* What the definition says about one step (a provisioner of the build, counted from 0). */
struct step_policy {
	int64_t index;
	int open;            /* 1, 0, -1: not said */
	int64_t max_age_sec; /* 0: not said */
	bool checkpoint_secrets;
};

struct definition {
	char *key;  /* of the definition: the name in kiln.json, or the template's path */
	char *name; /* of its image; of its images with "-BUILD" behind it */
	char *template_path;
	char *build;     /* NULL: all builds */
	char *directory; /* NULL: found by looking where the files are; "" is the root */
	struct json *variables;
	struct strings var_files, inputs;
	enum engine engine;
	struct step_policy *steps;
	size_t step_count;
	enum checkpoint_kind checkpoints;
	int64_t source_date_epoch;
	enum gate gate;        /* what becomes of a result that holds what no image should */
	struct json *validate; /* list, never NULL */
	struct strings publish, channels;
	int64_t keep_last, keep_younger_sec;
	struct json *rebuild;    /* or NULL */
	struct reasons problems; /* unsupported or wrong: blocks its images */
	struct digest digest;    /* of all the above: equal means nothing changed in it */
};

struct definitions {
	struct definition **items;
	size_t count, room;
	struct map by_key;
};
void definitions_clear(struct definitions *definitions);

/* A kiln.json that was read. */
struct definitions_file;
/*
 * An error of kind CATALOG means that nothing of it can be trusted (no JSON, a wrong key outside of an image); what is
 * wrong inside one image is among that image's problems.
 */
int definitions_file_parse(
	const char *bytes, size_t size, struct definitions_file **file, struct error *err);
void definitions_file_free(struct definitions_file *file);
static inline void definitions_file_freep(struct definitions_file **file)
{
	definitions_file_free(*file);
}
/* It has `images`: templates that it does not name give none. */
bool definitions_file_lists(const struct definitions_file *file);
/* Adds what it lists. */
void definitions_file_read(const struct definitions_file *file, struct definitions *definitions);

/* The definition of a template that is found, not listed. FILE gives defaults, NULL if there is none. The caller frees. */
struct definition *definition_discover(
	const char *template_path, const struct definitions_file *file);
void definition_free(struct definition *definition);
static inline void definition_freep(struct definition **definition)
{
	definition_free(*definition);
}

const struct step_policy *definition_find_step(const struct definition *definition, size_t index);

/* "debian/base.json" -> "debian-base"; with BUILD (may be NULL) "-BUILD" behind it. The caller frees. */
char *definition_image_name(const char *template_path, const char *build);
/* NAME-BUILD in the bytes that names may have; the caller frees. */
char *definition_name_with_build(const char *name, const char *build);
bool definition_is_name(const char *name);
bool definition_is_channel(const char *name);

/* "report", "refuse", "off" */
const char *gate_name(enum gate gate);

/* The keys of an image, NULL-terminated: for the schema's test. */
extern const char *const definition_keys[];
