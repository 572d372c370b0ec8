/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What kiln knows of every plugin of Packer's: its options as a table. The same row decodes an option, says which local
 * file it names, feeds the closure, documents itself, and (where kiln has a driver) tells where the driver wants it.
 * Data only: nothing here builds anything.
 */

#include <stdbool.h>
#include <stddef.h>

#include "backends/power.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strings.h"

enum plugin_kind { PLUGIN_BUILDER, PLUGIN_PROVISIONER, PLUGIN_POST_PROCESSOR, PLUGIN_KIND_COUNT };
/* "builder", "provisioner", "post-processor" */
const char *plugin_kind_name(enum plugin_kind kind);

enum option_type {
	OPTION_TEXT,
	OPTION_BOOL,
	OPTION_TRILEAN, /* unset, true or false */
	OPTION_INTEGER,
	OPTION_UNSIGNED,
	OPTION_DURATION, /* nanoseconds */
	OPTION_TEXTS,
	OPTION_INTEGERS,
	OPTION_TEXT_MAP,
	OPTION_ROWS,   /* a list of lists of text */
	OPTION_BLOCK,  /* an object */
	OPTION_BLOCKS, /* a list of objects */
	OPTION_BYTES,
	OPTION_TYPE_COUNT
};
const char *option_type_name(enum option_type type); /* for people: "text", "list of text" ... */

/* What a value of the option names on the machine where Packer runs. */
enum option_path {
	PATH_NONE,
	PATH_FILE,
	PATH_FOLDER,   /* with all that is in it */
	PATH_ANY,      /* a file or a folder */
	PATH_PATTERN,  /* the same, or a glob */
	PATH_URL,      /* a path or a URL; only a path is an input */
	PATH_CHECKSUM, /* file:PATH names a file of checksums */
	PATH_ROOT,     /* rootfs: scratch, a tar's path or URL, oci:PATH, catalog:NAME */
	PATH_OUTPUT,   /* it is written: no input */
	PATH_KEYS,     /* the names in a map are paths, if they begin with '/' or '.' */
	PATH_WORDS,    /* arguments of another program: those that name a file of the repository */
	PATH_NAME,     /* it may name a file or a folder of the repository */
	PATH_OVERRIDE, /* an object of objects with options of this plugin, which may name files */
	PATH_COUNT
};

/* In place of an offset: the driver does not want it. */
#define OPTION_NOT_DECODED ((size_t)-1)

/* What Packer looks at before it builds, of a file that an option names. */
enum path_check {
	CHECK_DEFAULT, /* it is there; of a PATH_URL nothing */
	CHECK_NOTHING,
	CHECK_THERE,
	CHECK_FILE,
	CHECK_FOLDER,
	CHECK_KEY,      /* it is a private key that is not locked */
	CHECK_TEMPLATE, /* it is a Go template */
	CHECK_ACCOUNT, /* it holds a Google account in JSON; in place of a path the option may say the JSON itself */
	CHECK_CHECKSUMS, /* it has the checksum of iso_url, or of the first of iso_urls */
	CHECK_ABSENT,    /* nothing of that name is there; unset: "output-" and the build's name */
	CHECK_NO_FOLDER,
	CHECK_COUNT
};

struct plugin_option {
	const char *name;
	enum option_type type;
	enum option_path path;
	bool later;         /* Packer 1.6.6 does not know it, its later plugins do */
	bool optional_path; /* Packer does not mind when the file is not there */
	enum path_check check;
	const char *check_when; /* only then; words as in struct plugin_rule. NULL: always */
	bool late;  /* not rendered before the build runs: execute_command, boot_command ... */
	bool again; /* rendered before, and once more with the build's data */
	bool empty_counts; /* a text: "" is something else than nothing */
	bool source_image; /* may say catalog:NAME */
	enum power power;  /* needed as soon as it is not its default; POWER_NONE: none */
	const struct plugin_option *block; /* of a block: its own options; NULL: anything goes */
	/* This value, not its default, can do nothing to the host: no power is needed. May be NULL: every value can. */
	bool (*harmless)(const struct json *value);
	const char *
		fallback; /* default, as a text in the template would say it; NULL: the type's zero */
	size_t offset;    /* in the driver's struct (native plugins only), see options_decode */
	const char *help; /* native plugins only */
};

/*
 * What Packer demands of options before it builds anything, one row a demand. Unset is "", 0, false, an empty list, and then
 * the option's fallback counts. "disks.size" is the option size of every block in disks.
 */
enum rule_kind {
	RULE_NONE,
	RULE_NEEDS,       /* every one of the options */
	RULE_ANY,         /* at least one of them */
	RULE_ONE,         /* exactly one */
	RULE_AT_MOST_ONE, /* none or one */
	RULE_TOGETHER,    /* all or none */
	RULE_FORBIDS,     /* none */
	RULE_CHOICE,      /* what each says is one of `values` */
	RULE_WORD,        /* the same, upper and lower case being equal */
	RULE_MATCHES,     /* what each says matches the extended regular expression `values` */
	RULE_RANGE,       /* what each says lies within `values`, "1 65535"; texts: their length */
	RULE_IS,          /* what each says is a `values`: see plugin_format.h */
	RULE_ITEMS,       /* the list or object has as many as `values` says, "0 2" */
	RULE_ORDER,       /* the first is not more than the second */
	RULE_RATIO, /* the first is at most `values` times the second, what is left over not counted */
	RULE_COUNT
};

struct plugin_rule {
	enum rule_kind kind;
	const char *options; /* separated by spaces */
	const char *values;  /* a choice's are separated by '|' */
	/*
	 * Only then is it asked for: words separated by spaces, all of which must hold. "x": x is set; "!x": it is not;
	 * "x=a|b": it says a or b ("x=|a": a, or it is unset); "x!=a": it does not say a; "x>0": it is a larger number.
	 * "x.y": the option y of the block x. In a block, "^x" is an option outside of it. NULL: always.
	 */
	const char *when;
	const char *environment; /* variables of the environment, any of which does as well */
	const char *why;         /* said with it; may be NULL */
};

struct plugin {
	enum plugin_kind kind;
	const char *name;
	bool native;        /* kiln has a driver for it */
	bool keeps_memory;  /* checkpoints of its builds can hold the memory of a machine */
	bool own;           /* kiln's alone: Packer has none of that name */
	enum power power;   /* needed to use it at all */
	bool renders_files; /* the files that its options name may ask for the build's name */
	/*
	 * What it makes lies outside of any sandbox, and stays there if nobody removes it: the options, separated by spaces,
	 * that say where and under which name. NULL: nothing does.
	 */
	const char *elsewhere;
	const char *elsewhere_when; /* only then; words as in struct plugin_rule. NULL: always */
	int version;                /* raised when the driver's output changes; native only */
	const struct plugin_option *const
		*groups; /* NULL-terminated; each ends with a row without a name */
	const struct plugin_rule *const *rules; /* like groups; NULL: none */
	/* What Packer decides from the template's own text, RAW, before it is rendered. May be NULL. */
	void (*decide)(const struct json *raw, struct json *options);
	/* What no table says: defaults that depend on other options, wrong combinations. May be NULL. */
	int (*check)(struct json *options, struct error *err);
	/* Why the driver cannot do what is asked, or NULL if it can. May be NULL: it can do all. */
	const char *(*unsupported)(const struct json *options);
	/* False for a path option that is not read in this combination. May be NULL: all are. */
	bool (*reads)(const struct json *options, const struct plugin_option *option);
	size_t size;      /* of the driver's struct; native only */
	const char *help; /* native only */
};

/* NULL if there is no such plugin in Packer 1.6.6 or in kiln. */
const struct plugin *plugin_find(enum plugin_kind kind, const char *name);
/* The known name of that kind nearest to NAME, or NULL. */
const char *plugin_nearest(enum plugin_kind kind, const char *name);
/* All of them, NULL-terminated. */
extern const struct plugin *const plugins[];

/* The row of that name, upper and lower case being equal (an exact match wins); NULL if there is none. */
const struct plugin_option *plugin_find_option(const struct plugin *plugin, const char *name);
const char *plugin_nearest_option(const struct plugin *plugin, const char *name);

#define plugin_each_option(option, plugin)                                                    \
	for (const struct plugin_option *const *group_ = (plugin)->groups; *group_; group_++) \
		for (const struct plugin_option *option = *group_; option->name; option++)

/*
 * OPTIONS (decoded, as closure and worker have them) into the driver's struct of plugin->size bytes: TEXT a borrowed
 * string ("" when unset), BOOL a bool, INTEGER and DURATION an int64_t, all else a borrowed const struct json *, NULL
 * when unset.
 */
void options_decode(const struct plugin *plugin, const struct json *options, void *driver);

/* The value of a variable of the environment, "" if unset. */
typedef const char *plugin_environment(void *context, const char *name);
/*
 * Holds decoded OPTIONS against the plugin's rules and its check, which may fill in defaults; what is wrong is added to
 * PROBLEMS. Without ENVIRONMENT (NULL) nothing is demanded that the environment may give.
 */
void plugin_check(const struct plugin *plugin, struct json *options,
	plugin_environment *environment, void *context, struct strings *problems);

/* WHEN, words as in struct plugin_rule, holds for OPTIONS. */
bool plugin_holds(const struct plugin *plugin, const struct json *options, const char *when);

/* An option that Packer's plugin once had and lost; the words to say about it, or NULL. */
const char *plugin_removed_option(const struct plugin *plugin, const char *name);
