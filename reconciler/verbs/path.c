/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/verbs/verbs.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/describe.h"
#include "reconciler/lookup.h"
#include "reconciler/order.h"

/* Of an artifact of one file that file, else the folder of all. */
static int find_path(struct head *head, const struct version_name *name,
	const struct build_record *build, char **path, struct error *err)
{
	struct repository_record repository;
	autojson struct json *artifact = describe_column(build->artifact);
	const struct json *files = json_get(artifact, "files");

	if (!phase_is_published(build->phase))
		return fail(err, ERROR_CATALOG, "%s@%lld is %s: its files are in no catalog",
			name->image.name, (long long)build->version, phase_name(build->phase));
	int found = repository_find(head->store, name->image.repository, &repository, err);
	if (found <= 0)
		return -1;
	autofree char *folder = order_version_folder(head, &repository, &name->image, build);
	repository_record_clear(&repository);
	if (!*folder)
		return fail(err, ERROR_CATALOG,
			"%s@%lld is in catalogs that service.json does not have", name->image.name,
			(long long)build->version);
	*path = json_count(files) == 1 ? memory_printf("%s/%s", folder,
						 json_get_text(json_item(files, 0), "name", ""))
	                               : TAKE(folder);
	return 0;
}

int verb_path(struct head *head, struct client *client, struct error *err)
{
	const char *text = json_get_text(client_arguments(client), "image", "");
	autojson struct json *answer = json_new_object();
	CLEANUP(version_name_clear) struct version_name name = {0};
	CLEANUP(build_record_clear) struct build_record build = {0};
	autofree char *path = NULL, *shown = NULL;

	if (lookup_version(head, text, &name, &build, err) < 0 ||
		find_path(head, &name, &build, &path, err) < 0 ||
		describe_image(head, &name.image, &shown, err) < 0)
		return -1;
	json_set_text(answer, "image", shown);
	json_set_integer(answer, "version", build.version);
	json_set_text(answer, "path", path);
	client_item(client, TAKE(answer));
	client_end(client, 0);
	return 0;
}
