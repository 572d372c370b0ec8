/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/cli/packer_flags.h"

struct template_request packer_request(const struct session *session, const char *path)
{
	return (struct template_request){
		.path = path,
		.variables = json_get(session->arguments, "var"),
		.var_files = json_get(session->arguments, "var-file"),
		.own_folder = json_get_boolean(session->arguments, "own-folder", false),
	};
}

void packer_add_names(const struct session *session, const char *name, struct strings *list)
{
	const struct json *given = json_get(session->arguments, name);

	for (size_t i = 0; i < json_count(given); i++)
		strings_split(list, json_text(json_item(given, i), ""), ',');
}
