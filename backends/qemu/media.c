/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/media.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/media/download.h"
#include "backends/media/floppy.h"
#include "backends/media/iso.h"
#include "backends/qemu/image_file.h"
#include "backends/qemu/network.h"
#include "base/cleanup.h"
#include "base/memory.h"

/* The host as QEMU's user network shows it, and where it listens then. */
#define LOOPBACK "127.0.0.1"
#define ANY_ADDRESS "0.0.0.0"

enum { PORT_MOST = 65535 };

/* ---- where it starts from ---- */

/* A version of the catalog: the order says where it lies. What is there was digested when it was published. */
static int open_version(
	struct job *job, const char *text, struct qemu_media *media, struct error *err)
{
	const struct json *bases = job_order(job, "bases");

	for (size_t i = 0; i < json_count(bases); i++) {
		const struct json *about = json_item(bases, i);
		const char *file = json_get_text(about, "file", NULL);
		if (strcmp(json_get_text(about, "text", ""), text) != 0)
			continue;
		if (!file)
			return fail(err, ERROR_CATALOG, "%s has not one file but several", text);
		media->source = memory_printf("%s/%s", json_get_text(about, "folder", ""), file);
		media->source_fd = open(media->source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		media->lasting = true;
		return media->source_fd < 0 ? fail_errno(err, ERROR_BROKEN, "%s", media->source)
		                            : 0;
	}
	return fail(err, ERROR_BROKEN, "the order does not say where %s is", text);
}

static int get_source(struct job *job, const struct qemu_options *options,
	const struct strings *urls, struct qemu_media *media, struct error *err)
{
	struct download download = {
		urls, options->iso_checksum, "iso_checksum", options->iso_skip_cache};
	CLEANUP(downloaded_clear) struct downloaded file = {.fd = -1};

	if (download_get(job, &download, &file, err) < 0)
		return -1;
	media->source = TAKE(file.path);
	media->source_fd = TAKE_FD(file.fd);
	media->lasting = file.lasting;
	return 0;
}

static int open_source(struct job *job, const struct qemu_options *options,
	struct qemu_media *media, struct error *err)
{
	CLEANUP(strings_clear) struct strings urls = {0};

	if (*options->iso_url)
		strings_add(&urls, options->iso_url);
	for (size_t i = 0; !*options->iso_url && i < json_count(options->iso_urls); i++)
		strings_add(&urls, json_text(json_item(options->iso_urls, i), ""));
	bool version = urls.count && text_starts_with(urls.items[0], "catalog:");
	if ((version ? open_version(job, urls.items[0], media, err)
		     : get_source(job, options, &urls, media, err)) < 0)
		return -1;
	if (!options->disk_image)
		return 0;
	return image_file_format(media->source_fd, urls.items[0], &media->format, err);
}

/* ---- its drives ---- */

static int make_drives(struct job *job, const struct qemu_options *options,
	struct qemu_media *media, struct error *err)
{
	char *cd = NULL;

	if (json_count(options->cd_files)) {
		if (iso_make(job, options->cd_files, options->cd_label, &cd, err) < 0)
			return -1;
		strings_add_taken(&media->cds, cd);
	}
	if (!json_count(options->floppy_files) && !json_count(options->floppy_dirs))
		return 0;
	return floppy_make(job, options->floppy_files, options->floppy_dirs, options->floppy_label,
		&media->floppy, err);
}

/* ---- what is served to it ---- */

/* The host's own address on a bridge or another interface. */
static char *address_of(const char *interface, struct error *err)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};
	char text[INET_ADDRSTRLEN];

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd < 0 || strlen(interface) >= IFNAMSIZ || ioctl(fd, SIOCGIFADDR, &request) < 0) {
		error_set(err, ERROR_CATALOG,
			"http_directory: the interface %s has no IPv4 address here", interface);
		return NULL;
	}
	inet_ntop(
		AF_INET, &((struct sockaddr_in *)&request.ifr_addr)->sin_addr, text, sizeof(text));
	return memory_copy_text(text);
}

/*
 * At no port of this machine: the machine's own network has the host's address there to itself. So every port is free; the first of the range is
 * as good as another, and the same at each build.
 */
static int serve_closed(struct job *job, const struct qemu_options *options, int folder,
	struct qemu_media *media, struct error *err)
{
	if (options->http_port_min < 1 || options->http_port_min > PORT_MOST)
		return fail(err, ERROR_CATALOG, "http_port_min: a port is 1 to %d", PORT_MOST);
	if (http_server_start_unseen(job, folder, &media->http, &media->http_place, err) < 0)
		return -1;
	media->http_ip = memory_copy_text(NETWORK_HOST);
	media->http_port = (int)options->http_port_min;
	media->http_folder = memory_copy_text(options->http_directory);
	return 0;
}

/* Nobody but the machine is to find it: unless an address is asked for, it listens where the machine reaches it and nowhere else. */
static int serve(struct job *job, const struct qemu_options *options, bool closed,
	struct qemu_media *media, struct error *err)
{
	const char *interface =
		*options->http_interface ? options->http_interface : options->net_bridge;
	struct http_settings settings = {options->http_bind_address, (int)options->http_port_min,
		(int)options->http_port_max};

	if (!*options->http_directory)
		return 0;
	autoclose int folder =
		job_open_path(job, options->http_directory, O_RDONLY | O_DIRECTORY, 0, err);
	if (folder < 0)
		return fail_while(err, "http_directory");
	if (closed)
		return serve_closed(job, options, folder, media, err);
	autofree char *ip =
		*interface ? address_of(interface, err) : memory_copy_text(NETWORK_HOST);
	if (!ip)
		return -1;
	if (strcmp(settings.address, ANY_ADDRESS) == 0)
		settings.address = *interface ? ip : LOOPBACK;
	if (http_server_start(job, folder, &settings, &media->http, err) < 0)
		return -1;
	media->http_ip = TAKE(ip);
	media->http_port = media->http.port;
	media->http_folder = memory_copy_text(options->http_directory);
	return 0;
}

/* ---- all of it ---- */

int qemu_media_open(struct job *job, const struct qemu_options *options, bool closed,
	struct qemu_media *media, struct error *err)
{
	*media = (struct qemu_media){.source_fd = -1};
	if (open_source(job, options, media, err) < 0 || make_drives(job, options, media, err) < 0)
		return -1;
	return serve(job, options, closed, media, err);
}

void qemu_media_clear(struct qemu_media *media)
{
	http_server_stop(&media->http);
	free(media->source);
	free(media->floppy);
	free(media->http_ip);
	free(media->http_folder);
	free(media->http_place);
	strings_clear(&media->cds);
	cleanup_close(&media->source_fd);
	*media = (struct qemu_media){.source_fd = -1};
}
