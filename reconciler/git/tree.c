/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

enum {
	TREE_SIZE_MOST = 256 * 1024 * 1024,
	KEPT_BYTES_MOST = 16 * 1024 * 1024, /* of trees in a snapshot; then it starts over */
	TREE_DEPTH_MOST = 256,
};

/* ---- the raw format: "MODE NAME\0" and 20 bytes, again and again ---- */

struct raw {
	const char *name; /* NUL-terminated inside the tree's bytes */
	unsigned mode;
	const unsigned char *id;
};

/* Reads the entry at *AT and moves behind it: 1, 0 at the end, -1 where the bytes are no tree. */
static int next_raw(const char **at, const char *end, struct raw *raw)
{
	const char *p = *at;
	unsigned mode = 0;

	if (p == end)
		return 0;
	for (; p < end && *p >= '0' && *p <= '7'; p++)
		mode = mode * 8 + (*p - '0');
	if (p == end || *p != ' ')
		return -1;
	const char *name = ++p;
	p = memchr(p, '\0', end - p);
	if (!p || end - p < 1 + OBJECT_ID_SIZE)
		return -1;
	/* names that would lead elsewhere when they are written out: git never makes them */
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -1;
	*raw = (struct raw){name, mode, (const unsigned char *)p + 1};
	*at = p + 1 + OBJECT_ID_SIZE;
	return 1;
}

static enum entry_kind kind_of(unsigned mode)
{
	switch (mode & 0170000) {
	case 0040000:
		return ENTRY_FOLDER;
	case 0120000:
		return ENTRY_LINK;
	case 0160000:
		return ENTRY_SUBMODULE;
	default:
		return ENTRY_FILE;
	}
}

static struct entry entry_of(const struct raw *raw)
{
	struct entry entry = {.kind = kind_of(raw->mode), .mode = raw->mode};

	/* old trees have 0100664 and the like: git reads them so */
	if (entry.kind == ENTRY_FILE)
		entry.mode = raw->mode & 0100 ? 0100755 : 0100644;
	if (entry.kind == ENTRY_LINK)
		entry.mode = 0120000;
	memcpy(entry.id.bytes, raw->id, OBJECT_ID_SIZE);
	return entry;
}

/* git's order: a folder compares as if its name ended in '/'. */
static int compare_names(const char *a, bool a_folder, const char *b, bool b_folder)
{
	while (*a && *a == *b)
		a++, b++;
	unsigned char x = *a ? *a : a_folder ? '/' : '\0';
	unsigned char y = *b ? *b : b_folder ? '/' : '\0';
	return (x > y) - (x < y);
}

static int broken_tree(const struct object_id *id, struct error *err)
{
	char hex[OBJECT_ID_HEX_SIZE];

	return fail(err, ERROR_BROKEN, "the git tree %s is corrupt", object_id_hex(id, hex));
}

/* ---- snapshots ---- */

struct tree {
	char *bytes;
	size_t size;
	struct raw *entries; /* in git's order */
	size_t count;
	int users;
};

/* Trees by their ids, whichever commit they are of: kept once read, until there are too many. */
struct tree_cache {
	struct map trees; /* hex id -> struct tree */
	size_t kept_bytes;
};

struct snapshot {
	struct source *source;
	struct object_id root;
};

static void free_tree(void *pointer)
{
	struct tree *tree = pointer;

	free(tree->bytes);
	free(tree->entries);
	free(tree);
}

void tree_cache_free(struct tree_cache *cache)
{
	if (!cache)
		return;
	map_clear(&cache->trees);
	free(cache);
}

static struct tree_cache *get_cache(struct source *source)
{
	struct tree_cache **cache = source_tree_cache(source);

	if (!*cache) {
		*cache = memory_new(sizeof(**cache));
		(*cache)->trees.free_value = free_tree;
	}
	return *cache;
}

static size_t weight(const struct tree *tree)
{
	return tree->size + tree->count * sizeof(*tree->entries);
}

/* All that nobody is looking at. */
static void evict(struct tree_cache *cache)
{
	struct map used = {.free_value = free_tree};

	cache->kept_bytes = 0;
	map_each (entry, &cache->trees) {
		struct tree *tree = entry->value;
		if (!tree->users)
			continue;
		map_set(&used, entry->key, tree);
		cache->kept_bytes += weight(tree);
		entry->value = NULL;
	}
	map_each (entry, &cache->trees)
		if (entry->value)
			free_tree(entry->value);
	cache->trees.free_value = NULL;
	map_clear(&cache->trees);
	cache->trees = used;
}

static const struct raw *search(const struct tree *tree, const char *name, bool folder)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct raw *raw = &tree->entries[middle];
		int order =
			compare_names(name, folder, raw->name, kind_of(raw->mode) == ENTRY_FOLDER);
		if (order == 0)
			return raw;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Each name once, as git makes them: two of one name could be a link and what is written below it. */
static bool is_in_order(const struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct raw *raw = &tree->entries[i];
		bool folder = kind_of(raw->mode) == ENTRY_FOLDER;
		if (i && compare_names(tree->entries[i - 1].name,
				 kind_of(tree->entries[i - 1].mode) == ENTRY_FOLDER, raw->name,
				 folder) >= 0)
			return false;
		if (folder && search(tree, raw->name, false))
			return false;
	}
	return true;
}

static int parse_tree(struct tree *tree, const struct object_id *id, struct error *err)
{
	const char *at = tree->bytes, *end = at + tree->size;
	size_t room = 0;
	struct raw raw;
	int more;

	while ((more = next_raw(&at, end, &raw)) > 0) {
		MEMORY_GROW(tree->entries, tree->count, room);
		tree->entries[tree->count++] = raw;
	}
	return more < 0 || !is_in_order(tree) ? broken_tree(id, err) : 0;
}

/* To be given back by release. */
static int read_tree(
	struct source *source, const struct object_id *id, struct tree **result, struct error *err)
{
	struct tree_cache *cache = get_cache(source);
	char hex[OBJECT_ID_HEX_SIZE];
	struct tree *tree = map_find(&cache->trees, object_id_hex(id, hex));

	if (!tree) {
		if (cache->kept_bytes > KEPT_BYTES_MOST)
			evict(cache);
		tree = memory_new(sizeof(*tree));
		*tree = (struct tree){0};
		if (source_read(source, id, OBJECT_TREE, TREE_SIZE_MOST, &tree->bytes, &tree->size,
			    err) < 0 ||
			parse_tree(tree, id, err) < 0) {
			free_tree(tree);
			return -1;
		}
		cache->kept_bytes += weight(tree);
		map_set(&cache->trees, hex, tree);
	}
	tree->users++;
	*result = tree;
	return 0;
}

static void release(struct tree **tree)
{
	if (*tree)
		(*tree)->users--;
}

struct snapshot *snapshot_new(struct source *source, const struct object_id *root)
{
	struct snapshot *snapshot = memory_new(sizeof(*snapshot));

	*snapshot = (struct snapshot){source, *root};
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot);
}

struct source *snapshot_source(const struct snapshot *snapshot)
{
	return snapshot->source;
}

const struct object_id *snapshot_root(const struct snapshot *snapshot)
{
	return &snapshot->root;
}

int snapshot_find(
	struct snapshot *snapshot, const char *path, struct entry *entry, struct error *err)
{
	struct entry found = {ENTRY_FOLDER, 040000, snapshot->root};
	char name[4096];

	while (*path) {
		CLEANUP(release) struct tree *tree = NULL;
		size_t size = strcspn(path, "/");
		if (found.kind != ENTRY_FOLDER || size >= sizeof(name)) {
			*entry = (struct entry){0};
			return 0;
		}
		if (read_tree(snapshot->source, &found.id, &tree, err) < 0)
			return -1;
		memcpy(name, path, size);
		name[size] = '\0';
		const struct raw *raw = search(tree, name, false);
		if (!raw)
			raw = search(tree, name, true);
		if (!raw) {
			*entry = (struct entry){0};
			return 0;
		}
		found = entry_of(raw);
		path += size + (path[size] == '/');
	}
	*entry = found;
	return 0;
}

static int walk(struct snapshot *snapshot, const struct object_id *id, struct text *path,
	unsigned depth, entry_visit *visit, void *context, struct error *err)
{
	CLEANUP(release) struct tree *tree = NULL;
	size_t prefix = path->size;

	if (depth > TREE_DEPTH_MOST)
		return fail(err, ERROR_CATALOG, "%s: folders are nested too deep", text_get(path));
	if (read_tree(snapshot->source, id, &tree, err) < 0)
		return -1;
	for (size_t i = 0; i < tree->count; i++) {
		struct entry entry = entry_of(&tree->entries[i]);
		if (prefix)
			text_add_char(path, '/');
		text_add(path, tree->entries[i].name);
		int result = entry.kind == ENTRY_FOLDER ? walk(snapshot, &entry.id, path, depth + 1,
								  visit, context, err)
		                                        : visit(context, path->data, &entry, err);
		path->size = prefix;
		if (result < 0)
			return -1;
	}
	return 0;
}

int snapshot_walk(struct snapshot *snapshot, const char *folder, entry_visit *visit, void *context,
	struct error *err)
{
	CLEANUP(text_clear) struct text path = {0};
	struct entry entry;

	if (snapshot_find(snapshot, folder, &entry, err) < 0)
		return -1;
	if (entry.kind != ENTRY_FOLDER)
		return 0;
	text_add(&path, folder);
	return walk(snapshot, &entry.id, &path, 0, visit, context, err);
}

int snapshot_list(struct snapshot *snapshot, const char *folder, entry_visit *visit, void *context,
	struct error *err)
{
	CLEANUP(release) struct tree *tree = NULL;
	struct entry entry;

	if (snapshot_find(snapshot, folder, &entry, err) < 0)
		return -1;
	if (entry.kind != ENTRY_FOLDER)
		return 0;
	if (read_tree(snapshot->source, &entry.id, &tree, err) < 0)
		return -1;
	for (size_t i = 0; i < tree->count; i++) {
		struct entry inner = entry_of(&tree->entries[i]);
		if (visit(context, tree->entries[i].name, &inner, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- two trees side by side ---- */

struct pair {
	struct source *source;
	struct text path;
	unsigned depth;
	change_visit *visit;
	void *context;
	struct error *err;
};

static int diff_trees(struct pair *pair, const struct object_id *old, const struct object_id *new);

static int diff_entries(struct pair *pair, const struct raw *old, const struct raw *new)
{
	struct entry none = {0};
	struct entry before = old ? entry_of(old) : none, after = new ? entry_of(new) : none;
	size_t prefix = pair->path.size;
	int result = 0;

	if (before.mode == after.mode && object_id_equal(&before.id, &after.id))
		return 0;
	if (prefix)
		text_add_char(&pair->path, '/');
	text_add(&pair->path, old ? old->name : new->name);
	if (before.kind == ENTRY_FOLDER || after.kind == ENTRY_FOLDER)
		result = diff_trees(pair, before.kind == ENTRY_FOLDER ? &before.id : NULL,
			after.kind == ENTRY_FOLDER ? &after.id : NULL);
	else
		result = pair->visit(pair->context, pair->path.data, &before, &after, pair->err);
	pair->path.size = prefix;
	return result;
}

/* Merges the two lists, which are in the same order. A file and a folder of one name are two entries. */
static int merge(struct pair *pair, const struct tree *old, const struct tree *new)
{
	size_t a = 0, b = 0, old_count = old ? old->count : 0, new_count = new ? new->count : 0;

	while (a < old_count || b < new_count) {
		const struct raw *x = a < old_count ? &old->entries[a] : NULL;
		const struct raw *y = b < new_count ? &new->entries[b] : NULL;
		int order = !x   ? 1
		            : !y ? -1
		                 : compare_names(x->name, kind_of(x->mode) == ENTRY_FOLDER, y->name,
					   kind_of(y->mode) == ENTRY_FOLDER);
		if (diff_entries(pair, order <= 0 ? x : NULL, order >= 0 ? y : NULL) < 0)
			return -1;
		a += order <= 0;
		b += order >= 0;
	}
	return 0;
}

static int diff_trees(struct pair *pair, const struct object_id *old, const struct object_id *new)
{
	CLEANUP(release) struct tree *before = NULL;
	CLEANUP(release) struct tree *after = NULL;

	if (++pair->depth > TREE_DEPTH_MOST)
		return fail(pair->err, ERROR_CATALOG, "%s: folders are nested too deep",
			text_get(&pair->path));
	if ((old && read_tree(pair->source, old, &before, pair->err) < 0) ||
		(new &&read_tree(pair->source, new, &after, pair->err) < 0))
		return -1;
	int result = merge(pair, before, after);
	pair->depth--;
	return result;
}

int tree_diff(struct source *source, const struct object_id *old, const struct object_id *new,
	change_visit *visit, void *context, struct error *err)
{
	struct pair pair = {.source = source, .visit = visit, .context = context, .err = err};

	if (old && object_id_equal(old, new))
		return 0;
	text_add_bytes(&pair.path, "", 0);
	int result = diff_trees(&pair, old, new);
	text_clear(&pair.path);
	return result;
}
