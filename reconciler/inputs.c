/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/inputs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_identity.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/path.h"

enum {
	LINKS_MOST = 40,
	LINK_SIZE_MOST = 4096,
	LFS_POINTER_MOST = 1024,
};
static const size_t blob_most = (size_t)8 << 30;

static void free_input(void *pointer)
{
	struct input *input = pointer;

	free(input->path);
	free(input);
}

static void free_dependency(void *pointer)
{
	struct dependency *dependency = pointer;

	free(dependency->path);
	free(dependency);
}

void inputs_init(struct inputs *inputs, struct snapshot *snapshot, struct blob_cache *cache,
	const struct strings *grants, struct reasons *problems)
{
	*inputs = (struct inputs){
		.snapshot = snapshot, .cache = cache, .grants = grants, .problems = problems};
	inputs->files.free_value = free_input;
	inputs->dependencies.free_value = free_dependency;
}

void inputs_clear(struct inputs *inputs)
{
	strings_clear(&inputs->needs);
	map_clear(&inputs->files);
	map_clear(&inputs->absent);
	map_clear(&inputs->dependencies);
	snapshot_free(inputs->submodule);
}

void inputs_depend(struct inputs *inputs, const char *path, bool prefix)
{
	struct dependency *dependency = map_find(&inputs->dependencies, path);

	if (!dependency) {
		dependency = memory_new(sizeof(*dependency));
		dependency->path = memory_copy_text(path);
		map_set(&inputs->dependencies, path, dependency);
	}
	dependency->prefix |= prefix;
}

/* ---- blobs ---- */

void blob_cache_clear(struct blob_cache *cache)
{
	map_clear(&cache->by_id);
	map_clear(&cache->by_path);
}

/* Source: github.com/git-lfs/git-lfs docs/spec.md */
static bool read_lfs_pointer(const char *bytes, size_t size, struct digest *id)
{
	static const char version[] = "version https://git-lfs.github.com/spec/v1\n";
	char hex[DIGEST_HEX_SIZE];

	if (size > LFS_POINTER_MOST || !text_starts_with(bytes, version))
		return false;
	const char *oid = strstr(bytes, "\noid sha256:");
	if (!oid || strlen(oid) < 12 + 64)
		return false;
	memcpy(hex, oid + 12, 64);
	hex[64] = '\0';
	return digest_parse(hex, id);
}

static int get_facts(struct inputs *inputs, struct source *source, const struct object_id *id,
	struct blob_facts *facts, struct error *err)
{
	static const char word[] = "PACKER_BUILD_NAME";
	char hex[OBJECT_ID_HEX_SIZE];
	struct blob_facts *known = map_find(&inputs->cache->by_id, object_id_hex(id, hex));
	autofree char *bytes = NULL;
	size_t size;

	if (known) {
		*facts = *known;
		return 0;
	}
	if (source_read(source, id, OBJECT_BLOB, blob_most, &bytes, &size, err) < 0)
		return -1;
	*facts = (struct blob_facts){0};
	digest_of(bytes, size, &facts->sha256);
	facts->mentions_build_name = memmem(bytes, size, word, sizeof(word) - 1) != NULL;
	facts->is_lfs_pointer = read_lfs_pointer(bytes, size, &facts->lfs_id);
	known = memory_new(sizeof(*known));
	*known = *facts;
	inputs->cache->by_id.free_value = free;
	map_set(&inputs->cache->by_id, hex, known);
	return 0;
}

/* ---- finding a path ---- */

/* Where a path led to. */
struct place {
	struct snapshot *snapshot; /* the repository's, or a submodule's */
	char path[4096];           /* from that snapshot's root */
	char submodule[4096];      /* where that root lies, "" for the repository itself */
	struct entry entry;
};

static struct input *add_file(
	struct inputs *inputs, const char *path, struct source *source, const struct entry *entry)
{
	struct input *input = memory_new(sizeof(*input));

	input->path = memory_copy_text(path);
	input->mode = entry->mode;
	input->id = entry->id;
	input->source = source;
	input->in_closure = true;
	map_set(&inputs->files, path, input);
	return input;
}

static int read_link(
	struct source *source, const struct entry *entry, char **target, struct error *err)
{
	size_t size;

	return source_read(source, &entry->id, OBJECT_BLOB, LINK_SIZE_MOST, target, &size, err);
}

/* A link is an input of its own: what it says decides which file is meant. */
static int add_link(struct inputs *inputs, const char *path, struct source *source,
	const struct entry *entry, struct error *err)
{
	struct blob_facts facts;

	inputs_depend(inputs, path, false);
	if (map_find(&inputs->files, path))
		return 0;
	if (get_facts(inputs, source, &entry->id, &facts, err) < 0)
		return -1;
	digest_hex(&facts.sha256, add_file(inputs, path, source, entry)->value);
	return 0;
}

/* The commit is the input; 1 if its objects are here and can be looked into, 0 (and a problem) if not. */
static int enter_submodule(struct inputs *inputs, const char *path, const struct entry *entry,
	struct place *place, struct error *err)
{
	char hex[OBJECT_ID_HEX_SIZE];
	struct commit commit;

	if (!map_find(&inputs->files, path)) {
		struct input *input = add_file(inputs, path, NULL, entry);
		object_id_hex(&entry->id, input->value);
		inputs_depend(inputs, path, false);
	}
	struct source *source =
		source_find_submodule(snapshot_source(inputs->snapshot), &entry->id);
	if (!source) {
		reasons_add(inputs->problems, REASON_SUBMODULE, path, NULL, NULL,
			"the submodule %s is at commit %.12s, which is not in its object store "
			"(git "
			"submodule update --init %s)",
			path, object_id_hex(&entry->id, hex), path);
		return 0;
	}
	if (!inputs->submodule || !object_id_equal(&inputs->submodule_commit, &entry->id)) {
		if (source_resolve(source, object_id_hex(&entry->id, hex), &commit, err) < 0)
			return -1;
		snapshot_free(inputs->submodule);
		inputs->submodule = snapshot_new(source, &commit.tree);
		inputs->submodule_commit = entry->id;
		commit_clear(&commit);
	}
	place->snapshot = inputs->submodule;
	snprintf(place->submodule, sizeof(place->submodule), "%s", path);
	return 1;
}

/* The path as it counts from the repository's root. */
static char *full_path(const struct place *place, const char *path)
{
	if (!*place->submodule)
		return memory_copy_text(path);
	return *path ? memory_printf("%s/%s", place->submodule, path)
	             : memory_copy_text(place->submodule);
}

static void add_outside_link(struct inputs *inputs, const char *path, const char *target)
{
	reasons_add(inputs->problems, REASON_OUTSIDE, path, NULL, NULL,
		"the link %s points to %s, outside of the repository", path, target);
}

/*
 * Follows PATH name by name. PLACE->entry is ENTRY_NONE if nothing is there; it is the link or the submodule itself if that
 * cannot be followed, which then is among the problems. Dependencies: the path itself, and the first name on the way that is not there, which may
 * come back as a link.
 */
static int find_place(
	struct inputs *inputs, const char *path, struct place *place, struct error *err)
{
	autofree char *left = memory_copy_text(path);
	int links = 0;

	*place = (struct place){
		.snapshot = inputs->snapshot, .entry = {ENTRY_FOLDER, 040000, {{0}}}};
	place->entry.id = *snapshot_root(inputs->snapshot);
	inputs_depend(inputs, path, false);
	while (*left) {
		size_t size = strcspn(left, "/");
		autofree char *name = memory_copy_bytes(left, size);
		autofree char *rest = memory_copy_text(left + size + (left[size] == '/'));
		autofree char *here = *place->path ? memory_printf("%s/%s", place->path, name)
		                                   : memory_copy_text(name);
		autofree char *full = full_path(place, here);
		struct entry entry;

		if (snapshot_find(place->snapshot, here, &entry, err) < 0)
			return -1;
		free(left);
		left = TAKE(rest);
		if (entry.kind == ENTRY_NONE) {
			inputs_depend(inputs, full, true);
			place->entry = entry;
			return 0;
		}
		if (entry.kind == ENTRY_LINK) {
			autofree char *target = NULL;
			struct source *source = snapshot_source(place->snapshot);
			if (read_link(source, &entry, &target, err) < 0)
				return -1;
			autofree char *folder = path_folder(here);
			autofree char *next = path_beneath(folder, target);
			if (!*place->submodule && add_link(inputs, full, source, &entry, err) < 0)
				return -1;
			if (!next || ++links > LINKS_MOST) {
				if (next)
					reasons_add(inputs->problems, REASON_INVALID, full, NULL,
						NULL, "the link %s leads round in a circle", full);
				else
					add_outside_link(inputs, full, target);
				place->entry = entry;
				return 0;
			}
			/* from the root again: the target may lead through links of its own */
			autofree char *joined = path_join(next, left);
			free(left);
			left = strcmp(joined, ".") == 0 ? memory_copy_text("") : TAKE(joined);
			place->path[0] = '\0';
			place->entry = (struct entry){ENTRY_FOLDER, 040000, {{0}}};
			place->entry.id = *snapshot_root(place->snapshot);
			if (!*place->submodule)
				inputs_depend(inputs, left, false);
			continue;
		}
		if (entry.kind == ENTRY_SUBMODULE && !*place->submodule) {
			int entered = enter_submodule(inputs, full, &entry, place, err);
			if (entered <= 0) {
				place->entry = entry;
				return entered;
			}
			place->path[0] = '\0';
			place->entry = (struct entry){ENTRY_FOLDER, 040000, {{0}}};
			place->entry.id = *snapshot_root(place->snapshot);
			continue;
		}
		if (snprintf(place->path, sizeof(place->path), "%s", here) >=
			(int)sizeof(place->path))
			return fail(err, ERROR_CATALOG, "%.60s...: the path is too long", path);
		place->entry = entry;
		if (entry.kind != ENTRY_FOLDER && *left) {
			place->entry = (struct entry){0};
			return 0;
		}
	}
	return 0;
}

int inputs_look(struct inputs *inputs, const char *path, enum entry_kind *kind, struct error *err)
{
	struct place place;

	if (find_place(inputs, path, &place, err) < 0)
		return -1;
	*kind = place.entry.kind;
	return 0;
}

/* ---- adding ---- */

char *input_lfs_object(const struct input *input)
{
	return memory_printf("%slfs/objects/%.2s/%.2s/%s", source_git_folder(input->source),
		input->value, input->value + 2, input->value);
}

static void check_lfs(struct inputs *inputs, const char *path, const struct input *input)
{
	autofree char *object = input_lfs_object(input);

	if (!file_exists(AT_FDCWD, object))
		reasons_add(inputs->problems, REASON_LFS, path, NULL, NULL,
			"%s is kept by git-lfs and its content is not here (git lfs fetch)", path);
}

/* A blob as the file PATH (from the repository's root). */
static int add_blob(struct inputs *inputs, const char *path, struct source *source, bool in_closure,
	const struct entry *entry, struct strings *added, struct error *err)
{
	struct blob_facts facts;

	if (added)
		strings_add_once(added, path);
	inputs_depend(inputs, path, false);
	if (map_find(&inputs->files, path))
		return 0;
	if (get_facts(inputs, source, &entry->id, &facts, err) < 0)
		return fail_while(err, "%s", path);
	struct input *input = add_file(inputs, path, source, entry);
	input->in_closure = in_closure;
	input->mentions_build_name = facts.mentions_build_name;
	input->is_lfs = facts.is_lfs_pointer;
	digest_hex(facts.is_lfs_pointer ? &facts.lfs_id : &facts.sha256, input->value);
	if (facts.is_lfs_pointer)
		check_lfs(inputs, path, input);
	return 0;
}

struct tree_adder {
	struct inputs *inputs;
	const char *from, *to; /* a path that begins with FROM becomes one that begins with TO */
	struct source *source;
	bool in_submodule;
	struct strings *added;
	struct map *walked;
};

/* What is known of a folder while all that links reach is added: each is walked once. */
static char walking[] = "walking", walked_through[] = "done";

static int add_reached(struct inputs *inputs, const char *path, struct strings *added,
	struct map *walked, bool *found, struct error *err);

/* A link of a submodule is carried over as it is, if it stays in the repository. */
static int add_submodule_link(
	struct tree_adder *adder, const char *path, const struct entry *entry, struct error *err)
{
	autofree char *target = NULL, *folder = path_folder(path);
	size_t size;

	if (source_read(adder->source, &entry->id, OBJECT_BLOB, PATH_MAX, &target, &size, err) < 0)
		return -1;
	autofree char *inside = *target == '/' ? NULL : path_beneath(folder, target);
	if (!inside) {
		reasons_add(adder->inputs->problems, REASON_OUTSIDE, path, NULL, NULL,
			"%s is a link that leads out of the repository, to %s", path, target);
		return 0;
	}
	return add_blob(adder->inputs, path, adder->source, false, entry, adder->added, err);
}

static int add_inner(void *context, const char *path, const struct entry *entry, struct error *err)
{
	struct tree_adder *adder = context;
	const char *rest = path + strlen(adder->from);
	autofree char *full = NULL;
	bool found;

	rest += *rest == '/';
	full = *adder->to ? memory_printf("%s/%s", adder->to, rest) : memory_copy_text(rest);
	if (entry->kind == ENTRY_FILE)
		return add_blob(adder->inputs, full, adder->source, !adder->in_submodule, entry,
			adder->added, err);
	if (adder->in_submodule && entry->kind == ENTRY_SUBMODULE)
		return 0; /* of a submodule's own submodules only the commit counts, by their parent's */
	if (adder->in_submodule)
		return add_submodule_link(adder, full, entry, err);
	return add_reached(adder->inputs, full, adder->added, adder->walked, &found, err);
}

static int add_tree(struct inputs *inputs, const struct place *place, const char *path,
	struct strings *added, struct map *walked, struct error *err)
{
	struct tree_adder adder = {inputs, place->path, path, snapshot_source(place->snapshot),
		*place->submodule != '\0', added, walked};

	inputs_depend(inputs, path, true);
	if (!*place->submodule) {
		/* reached through a link: what is there counts under its own name too */
		inputs_depend(inputs, place->path, true);
	}
	if (map_find(walked, path))
		return 0;
	map_set(walked, path, walking);
	int result = snapshot_walk(place->snapshot, place->path, add_inner, &adder, err);
	map_set(walked, path, walked_through);
	return result;
}

/* Through a link, the content stands at the link's target: the link is written out too. */
static int add_reached(struct inputs *inputs, const char *path, struct strings *added,
	struct map *walked, bool *found, struct error *err)
{
	struct place place;

	if (find_place(inputs, path, &place, err) < 0)
		return -1;
	autofree char *real = full_path(&place, place.path);
	*found = place.entry.kind != ENTRY_NONE;
	if (place.entry.kind == ENTRY_FILE)
		return add_blob(inputs, real, snapshot_source(place.snapshot), !*place.submodule,
			&place.entry, added, err);
	if (place.entry.kind != ENTRY_FOLDER)
		return 0;
	if (map_find(walked, real) == walking)
		reasons_add(inputs->problems, REASON_INVALID, path, NULL, NULL,
			"the link %s leads into itself", path);
	return add_tree(inputs, &place, real, added, walked, err);
}

/* The file or folder at PATH, and what links in it lead to. */
static int add_any(struct inputs *inputs, const char *path, struct strings *added, bool *found,
	struct error *err)
{
	CLEANUP(map_clear) struct map walked = {0};

	return add_reached(inputs, path, added, &walked, found, err);
}

struct glob {
	struct inputs *inputs;
	const char *folder, *pattern, *rest; /* what is matched in FOLDER, and what follows */
	struct strings *matches;
	struct strings names;
};

static int note_name(void *context, const char *name, const struct entry *entry, struct error *err)
{
	struct glob *glob = context;

	(void)entry, (void)err;
	if (path_match(glob->pattern, name) == 1)
		strings_add(&glob->names, name);
	return 0;
}

/* Go's filepath.Glob: names are matched folder by folder. */
static int expand(struct inputs *inputs, const char *folder, const char *pattern,
	struct strings *matches, struct error *err)
{
	size_t size = strcspn(pattern, "/");
	autofree char *head = memory_copy_bytes(pattern, size);
	const char *rest = pattern + size + (pattern[size] == '/');
	struct glob glob = {inputs, folder, head, rest, matches, {0}};
	struct place place;
	int result = 0;

	if (!path_is_pattern(head)) {
		autofree char *next =
			*folder ? memory_printf("%s/%s", folder, head) : memory_copy_text(head);
		enum entry_kind kind;
		if (*rest)
			return expand(inputs, next, rest, matches, err);
		if (inputs_look(inputs, next, &kind, err) < 0)
			return -1;
		if (kind != ENTRY_NONE)
			strings_add(matches, next);
		return 0;
	}
	inputs_depend(inputs, folder, true);
	if (find_place(inputs, folder, &place, err) < 0)
		return -1;
	if (place.entry.kind == ENTRY_FOLDER)
		result = snapshot_list(place.snapshot, place.path, note_name, &glob, err);
	for (size_t i = 0; result == 0 && i < glob.names.count; i++) {
		autofree char *next = *folder ? memory_printf("%s/%s", folder, glob.names.items[i])
		                              : memory_copy_text(glob.names.items[i]);
		if (*rest)
			result = expand(inputs, next, rest, matches, err);
		else
			strings_add(matches, next);
	}
	strings_clear(&glob.names);
	return result;
}

int inputs_matches(struct inputs *inputs, const char *path, bool *found, struct error *err)
{
	CLEANUP(strings_clear) struct strings matches = {0};
	enum entry_kind kind;

	if (!path_is_pattern(path)) {
		if (inputs_look(inputs, path, &kind, err) < 0)
			return -1;
		*found = kind != ENTRY_NONE;
		return 0;
	}
	if (expand(inputs, "", path, &matches, err) < 0)
		return -1;
	*found = matches.count != 0;
	return 0;
}

int inputs_add(struct inputs *inputs, const char *path, enum option_path kind,
	struct strings *added, bool *found, struct error *err)
{
	CLEANUP(strings_clear) struct strings matches = {0};

	if (kind != PATH_PATTERN || !path_is_pattern(path)) {
		if (add_any(inputs, path, added, found, err) < 0)
			return -1;
	} else {
		if (expand(inputs, "", path, &matches, err) < 0)
			return -1;
		*found = matches.count != 0;
		strings_each (match, &matches) {
			bool there;
			if (add_any(inputs, match, added, &there, err) < 0)
				return -1;
		}
	}
	if (!*found)
		map_set(&inputs->absent, path, NULL);
	return 0;
}

static void free_outside_facts(void *value)
{
	struct outside_facts *facts = value;

	json_free(facts->identity);
	free(facts);
}

/* A disk image outside is large, and a plan asks for it as often as it evaluates: it is read again if something came near it. */
static int digest_outside(struct blob_cache *cache, const char *path, int fd, struct digest *digest,
	struct error *err)
{
	const struct outside_facts *known = map_find(&cache->by_path, path);
	autojson struct json *identity = file_identity_at_rest(fd);

	if (known && identity && json_equal(identity, known->identity)) {
		*digest = known->sha256;
		return 0;
	}
	if (digest_of_fd(fd, digest, err) < 0)
		return fail_while(err, "%s", path);
	if (!identity)
		return 0;
	struct outside_facts *facts = memory_new(sizeof(*facts));
	*facts = (struct outside_facts){TAKE(identity), *digest};
	cache->by_path.free_value = free_outside_facts;
	map_set(&cache->by_path, path, facts);
	return 0;
}

int inputs_add_outside(
	struct inputs *inputs, const char *path, struct strings *added, struct error *err)
{
	autofree char *need = memory_printf("outside-path:%s", path);
	struct digest digest;
	struct stat status;

	strings_add_once(&inputs->needs, need);
	if (!power_is_granted(inputs->grants, need)) {
		reasons_add(inputs->problems, REASON_OUTSIDE, path, NULL, NULL,
			"%s lies outside of the repository (the power outside-path:%s allows it)",
			path, path);
		return 0;
	}
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		reasons_add(inputs->problems, REASON_MISSING, path, NULL, NULL,
			"%s is no file that can be read", path);
		return 0;
	}
	if (digest_outside(inputs->cache, path, fd, &digest, err) < 0)
		return -1;
	struct entry entry = {ENTRY_FILE, status.st_mode & 0100 ? 0100755 : 0100644, {{0}}};
	digest_hex(&digest, add_file(inputs, path, NULL, &entry)->value);
	if (added)
		strings_add_once(added, path);
	return 0;
}

int inputs_read(struct inputs *inputs, const char *path, size_t most, char **bytes, size_t *size,
	bool *found, struct error *err)
{
	struct place place;

	if (find_place(inputs, path, &place, err) < 0)
		return -1;
	*found = place.entry.kind == ENTRY_FILE;
	if (!*found)
		return 0;
	if (source_read(snapshot_source(place.snapshot), &place.entry.id, OBJECT_BLOB, most, bytes,
		    size, err) < 0)
		return fail_while(err, "%s", path);
	return 0;
}
