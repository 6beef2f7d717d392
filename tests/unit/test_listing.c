/* Listings: what counts as an image, order, lists of names, links that loop, folders that cannot be read. */
#include "files.h"

#include <errno.h>

#include "furrow_images.h"

static furrow_context_t *ctx;

static int open_all(void **state)
{
    return furrow_context_open(NULL, &ctx, NULL) != FURROW_OK || make_folder(state) != 0;
}

static int close_all(void **state)
{
    char command[600];

    (void)state;
    furrow_context_close(ctx);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void touch(const char *name)
{
    put_bytes(name, "x", 1, NULL, 0);
}

static void make(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0777), 0);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, path_of(name)), 0);
}

/* The names of a listing, without the folder of this test, joined by '|'. */
static const char *listed(const char *const *sources, int64_t count, bool recursive)
{
    static char text[4096];
    furrow_listing_t *l = NULL;
    furrow_error_t err = {0};
    size_t used = 0;

    const furrow_status_t status = furrow_listing_open(ctx, sources, count, recursive, &l, &err);
    if (status != FURROW_OK) {
        assert_null(l);
        (void)snprintf(text, sizeof text, "%d: %s", status, err.text);
        return text;
    }
    text[0] = '\0';
    for (int64_t i = 0; i < furrow_listing_count(l); i++) {
        const char *name = furrow_listing_name(l, i);
        const size_t skip = strncmp(name, folder, strlen(folder)) == 0 ? strlen(folder) + 1 : 0;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "|" : "", name + skip);
    }
    furrow_listing_free(l);
    return text;
}

static const char *listed_in(const char *name, bool recursive)
{
    const char *source = path_of(name);
    return listed(&source, 1, recursive);
}

static void a_folder_gives_its_images_sorted(void **state)
{
    static const char *const names[] = {"a/10.JPG",      "a/2.png",     "a/b.jpeg",  "a/B.jpg",
                                        "a/.hidden.jpg", "a/Thumbs.db", "a/x.csv",   "a/no_ending",
                                        "a/.jpg",        "a/\xff.bmp",  "a/n\nl.gif"};

    (void)state;
    make("a");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) touch(names[i]);
    make("a/folder.png");
    make("a/sub");
    touch("a/sub/z.tga");
    link_to("nowhere", "a/broken.jpg");
    assert_string_equal(listed_in("a", false),
                        "a/10.JPG|a/2.png|a/B.jpg|a/b.jpeg|a/broken.jpg|a/folder.png|a/n\nl.gif|a/\xff.bmp");
    assert_string_equal(listed_in("a", true),
                        "a/10.JPG|a/2.png|a/B.jpg|a/b.jpeg|a/broken.jpg|a/n\nl.gif|a/sub/z.tga|a/\xff.bmp");
    assert_string_equal(listed_in("a///", false), listed_in("a", false));
}

static void files_are_taken_whatever_their_name(void **state)
{
    const char *sources[3];

    (void)state;
    touch("plain");
    touch("other.txt");
    sources[0] = path_of("plain");
    sources[1] = path_of("other.txt");
    sources[2] = path_of("plain");
    assert_string_equal(listed(sources, 3, false), "other.txt|plain");
}

static void a_list_holds_names(void **state)
{
    static const char lines[] = "b.jpg\r\n\na b.png\nnone.jpg", zeros[] = "x\ny.jpg\0a.jpg";
    char at[1024];
    const char *source = at;

    (void)state;
    put_bytes("list", lines, sizeof lines - 1, NULL, 0);
    (void)snprintf(at, sizeof at, "@%s", path_of("list"));
    assert_string_equal(listed(&source, 1, false), "a b.png|b.jpg|none.jpg");
    put_bytes("list", zeros, sizeof zeros, NULL, 0);
    assert_string_equal(listed(&source, 1, false), "a.jpg|x\ny.jpg");
    put_bytes("list", "", 0, NULL, 0);
    assert_non_null(strstr(listed(&source, 1, false), "no images"));
    (void)snprintf(at, sizeof at, "@%s", path_of("no list"));
    assert_non_null(strstr(listed(&source, 1, false), "no list: cannot open: No such file"));
}

static void links_that_loop_end(void **state)
{
    (void)state;
    make("loop");
    make("loop/one");
    make("loop/two");
    touch("loop/one/a.jpg");
    touch("loop/two/b.jpg");
    link_to("..", "loop/one/up");
    link_to("../two", "loop/one/other");
    link_to("../one", "loop/two/other");
    link_to(".", "loop/self");
    link_to("itself.jpg", "loop/itself.jpg");
    assert_string_equal(listed_in("loop", true), "loop/itself.jpg|loop/one/a.jpg|loop/two/b.jpg");
}

static void a_folder_outside_has_the_name_of_its_first_link(void **state)
{
    (void)state;
    make("outside");
    make("outside/deep");
    touch("outside/deep/o.jpg");
    make("inside");
    link_to("../outside", "inside/second");
    link_to("../outside", "inside/first");
    link_to("../../inside", "outside/deep/back");
    assert_string_equal(listed_in("inside", true), "inside/first/deep/o.jpg");
    assert_non_null(strstr(listed_in("inside", false), "inside: no images"));
}

static void what_cannot_be_listed_is_an_error(void **state)
{
    const char *empty = "";

    (void)state;
    make("nothing");
    assert_non_null(strstr(listed_in("nothing", true), "nothing: no images"));
    assert_non_null(strstr(listed_in("missing", true), "missing: cannot open: No such file"));
    assert_non_null(strstr(listed(&empty, 1, true), "an empty name"));
    assert_non_null(strstr(listed(NULL, 0, true), "no folder or file given"));
    if (geteuid() == 0) return; /* who may read everything */
    make("shut");
    make("shut/sub");
    assert_int_equal(chmod(path_of("shut/sub"), 0), 0);
    assert_non_null(strstr(listed_in("shut", true), "shut/sub: cannot list: Permission denied"));
    assert_int_equal(chmod(path_of("shut/sub"), 0777), 0);
}

/* As many as people have in one folder. All are names of a few files, which is quicker. */
static void a_folder_of_100000_images(void **state)
{
    enum { COUNT = 100000, NAMES = 50000 };
    furrow_listing_t *l = NULL;
    char name[32], first[64] = "";

    (void)state;
    make("many");
    const char *source = path_of("many");
    const int dir = open(source, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < COUNT; i++) { /* 7 has no factor in common with COUNT */
        (void)snprintf(name, sizeof name, "%06d.png", (int)(INT64_C(7) * i % COUNT));
        if (i % NAMES == 0) {
            (void)snprintf(first, sizeof first, "many/%s", name);
            touch(first);
        } else {
            assert_int_equal(linkat(dir, first + strlen("many/"), dir, name, 0), 0);
        }
    }
    assert_int_equal(furrow_listing_open(ctx, &source, 1, true, &l, NULL), FURROW_OK);
    assert_int_equal(furrow_listing_count(l), COUNT);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "/%06d.png", i);
        assert_non_null(strstr(furrow_listing_name(l, i), name));
    }
    furrow_listing_free(l);
    (void)close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_its_images_sorted),
        cmocka_unit_test(files_are_taken_whatever_their_name),
        cmocka_unit_test(a_list_holds_names),
        cmocka_unit_test(links_that_loop_end),
        cmocka_unit_test(a_folder_outside_has_the_name_of_its_first_link),
        cmocka_unit_test(what_cannot_be_listed_is_an_error),
        cmocka_unit_test(a_folder_of_100000_images),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
