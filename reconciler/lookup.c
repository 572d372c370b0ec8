/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "reconciler/definition.h"

/* ---- images ---- */

static int unknown_image(struct head *head, const char *name, struct error *err)
{
	CLEANUP(image_records_clear) struct image_records images = {0};

	if (images_list(head->store, 0, NULL, &images, err) < 0)
		return -1;
	autofree const char **names = memory_new((images.count + 1) * sizeof(*names));
	for (size_t i = 0; i < images.count; i++)
		names[i] = images.items[i].name;
	const char *near = nearest_name(name, names, images.count);
	return fail(err, ERROR_CATALOG, "kiln has built no image called %s%s%s%s", name,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

int lookup_image(struct head *head, const char *name, struct image_record *image, struct error *err)
{
	CLEANUP(image_records_clear) struct image_records images = {0};
	const char *slash = strrchr(name, '/');
	size_t size = slash ? (size_t)(slash - name) : 0;
	struct image_record *found = NULL;

	if (images_list(head->store, 0, slash ? slash + 1 : name, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images.count; i++) {
		const char *repository = images.items[i].repository_name;
		if (slash && (strlen(repository) != size || memcmp(repository, name, size) != 0))
			continue;
		if (found)
			return fail(err, ERROR_CATALOG,
				"%s and %s both have an image called %s: write REPOSITORY/%s",
				found->repository_name, repository, name, name);
		found = &images.items[i];
	}
	if (!found)
		return unknown_image(head, slash ? slash + 1 : name, err);
	*image = *found;
	*found = (struct image_record){0};
	return 0;
}

/* ---- versions ---- */

void version_name_clear(struct version_name *name)
{
	image_record_clear(&name->image);
}

int lookup_read_number(const char *text, int64_t *version, struct error *err)
{
	char *end;

	errno = 0;
	*version = strtoll(text, &end, 10);
	if (end == text || *end || errno || *version < 1)
		return fail(err, ERROR_CATALOG, "'%s' is no version: they are 1, 2, 3 ...", text);
	return 0;
}

static int read_version(
	struct head *head, const char *text, struct version_name *name, struct error *err)
{
	if (text[0] >= '0' && text[0] <= '9')
		return lookup_read_number(text, &name->version, err);
	if (!definition_is_channel(text))
		return fail(err, ERROR_CATALOG, "@%s is neither a version nor a channel", text);
	if (channel_find(head->store, name->image.id, text, &name->version, err) < 0)
		return -1;
	return name->version
	               ? 0
	               : fail(err, ERROR_CATALOG, "%s has no channel %s", name->image.name, text);
}

int lookup_version_name(
	struct head *head, const char *text, struct version_name *name, struct error *err)
{
	const char *at = strchr(text, '@');
	autofree char *image = memory_copy_bytes(text, at ? (size_t)(at - text) : strlen(text));

	*name = (struct version_name){0};
	if (lookup_image(head, image, &name->image, err) < 0)
		return -1;
	if (!at || read_version(head, at + 1, name, err) == 0)
		return 0;
	version_name_clear(name);
	return -1;
}

int lookup_version(struct head *head, const char *text, struct version_name *name,
	struct build_record *build, struct error *err)
{
	if (lookup_version_name(head, text, name, err) < 0)
		return -1;
	int found = 0;
	if (name->version ||
		channel_find(head->store, name->image.id, "current", &name->version, err) == 0)
		found = build_find_version(head->store, name->image.id, name->version, build, err);
	else
		found = -1;
	if (found > 0)
		return 0;
	if (found == 0 && name->version)
		error_set(err, ERROR_CATALOG, "%s has no version %lld", name->image.name,
			(long long)name->version);
	else if (found == 0)
		error_set(err, ERROR_CATALOG, "%s has no live version", name->image.name);
	version_name_clear(name);
	return -1;
}
