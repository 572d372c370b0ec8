/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The service's own file, /etc/kiln/service.json: what the operator says. */

#include <stdbool.h>
#include <stdint.h>

#include "base/calendar.h"
#include "base/error.h"
#include "base/json.h"
#include "base/map.h"
#include "reconciler/git/signature.h"
#include "reconciler/service_listen.h"
#include "reconciler/service_packer.h"

#define SERVICE_PATH "/etc/kiln/service.json"

struct service_secret {
	char *file, *version; /* version NULL: its content decides */
};

struct service_credentials;

/* Shared by those who have the repository open: a configuration that is read again does not take it from them. */
struct service_repository {
	int references;
	char *name; /* derived from the url where not given */
	char *url;
	char *ref; /* NULL: the remote's HEAD */
	int64_t poll_sec;
	struct strings allow; /* powers */
	bool prune;
	struct map secrets;                      /* name -> struct service_secret */
	struct service_credentials *credentials; /* for a remote; NULL: none */
	struct signature_rules verify;           /* whose commits count */
};

struct service_catalog {
	char *type, *path, *url;
};

/* Who is told of what becomes of images: one of url and command. */
struct service_notify {
	struct strings on; /* events; none: all */
	char *url, *secret_file;
	struct strings command;
};

/* A time that comes again: it begins when CALENDAR elapses. */
struct service_span {
	struct calendar *calendar;
	int64_t for_sec;
	struct strings repositories; /* none: all */
};

struct service_spans {
	struct service_span *items;
	size_t count;
};

struct service {
	char *path; /* of the file; NULL: there is none, and all are defaults */
	struct service_repository **repositories;
	size_t repository_count;
	char *state;         /* NULL: not said */
	struct map catalogs; /* name -> struct service_catalog */
	struct {
		int64_t builds; /* at the same time */
		int64_t build_timeout_sec;
		int64_t retire_per_pass;
		int64_t cache_bytes;
		int64_t log_days;
		int64_t subid_base;         /* the first of 65,536 ids that builds of root get */
		int64_t log_bytes;          /* a build may say */
		int64_t disk_reserve_bytes; /* left free on the state's file system while a build runs */
	} limits;
	char *timezone;
	struct service_spans freezes; /* no version is put in place of another */
	struct service_spans windows; /* only in these one is; none: always */
	struct service_notify *notify;
	size_t notify_count;
	struct service_listen listen;
	struct service_packer packer;
};

/*
 * Reads PATH; with PATH NULL the usual place, where no file is no error. Errors name line, column and the nearest key.
 */
int service_read(const char *path, struct service *service, struct error *err);
void service_clear(struct service *service);

/* "images" for /srv/git/images.git. The caller frees. */
char *service_repository_name(const char *url);
/* The repository of that url or name; NULL if it is not configured. Borrowed until it is held. */
struct service_repository *service_find_repository(
	const struct service *service, const char *url_or_name);
struct service_repository *service_repository_hold(struct service_repository *repository);
void service_repository_release(struct service_repository *repository);

/* Where the state is: OPTION (--state, may be NULL), $KILN_STATE, the file, the default of the user. The caller frees. */
char *service_state_folder(const char *option, const char *configured);
