/* Pickles made by hand: what is built, and what is refused with its name and place. */
#include "tests/common/weights_tables.h"

#include "common/weights/pickle.h"

static const pt_pickle_global allowed[] = {
    {"collections", "OrderedDict", PT_PICKLE_MAKES_DICT},
    {"torch._utils", "_rebuild_tensor", PT_PICKLE_CALL},
    {"torch", "FloatStorage", PT_PICKLE_NAME},
    {NULL, NULL, PT_PICKLE_NAME}};

static pt_pickle *parse(const void *bytes, size_t n)
{
    pt_pickle *p = NULL;
    size_t at = 0;

    if (pt_pickle_read("test", bytes, n, &at, allowed, &p) != PT_OK)
        fail_msg("%s", pt_fail_text());
    assert_int_equal(at, n);
    return p;
}

static void refuse(const void *bytes, size_t n, const char *words)
{
    pt_pickle *p = NULL;
    size_t at = 0;

    assert_int_equal(pt_pickle_read("test", bytes, n, &at, allowed, &p), PT_ERR_DATA);
    assert_null(p);
    assert_int_equal(at, 0);
    assert_says(words);
}

#define PARSE(text)         parse(text, sizeof text - 1)
#define REFUSE(text, words) refuse(text, sizeof text - 1, words)

static void test_numbers_of_every_opcode_are_read(void **state)
{
    static const char text[] = "\x80\x02(K\xffM\xff\xffJ\xfe\xff\xff\xff"
                               "\x8a\x02\xfe\xff\x8a\x00\x8a\x08\0\0\0\0\0\0\0\x80"
                               "\x8a\x0a"
                               "0123456789G\x3f\xf8\0\0\0\0\0\0\x88\x89Nt.";
    pt_pickle *p = parse(text, sizeof text - 1);
    const pt_pickle_value *t = pt_pickle_root(p);

    assert_int_equal(t->kind, PT_PICKLE_TUPLE);
    assert_int_equal(t->n, 11);
    assert_int_equal(t->items[0]->integer, 255);
    assert_int_equal(t->items[1]->integer, 65535);
    assert_int_equal(t->items[2]->integer, -2);
    assert_int_equal(t->items[3]->integer, -2);
    assert_int_equal(t->items[4]->integer, 0);
    assert_true(t->items[5]->integer == INT64_MIN);
    assert_int_equal(t->items[6]->kind, PT_PICKLE_LONG);
    assert_true(t->items[7]->number == 1.5);
    assert_int_equal(t->items[8]->integer, 1);
    assert_int_equal(t->items[9]->kind, PT_PICKLE_BOOL);
    assert_int_equal(t->items[10]->kind, PT_PICKLE_NONE);
    pt_pickle_destroy(&p);
}

static void test_dictionaries_keep_the_last_value_of_a_key(void **state)
{
    pt_pickle *p = PARSE("}U\x01"
                         "aK\x01s(U\x01"
                         "bK\x02U\x01"
                         "aK\x03u.");
    const pt_pickle_value *d = pt_pickle_root(p);

    assert_int_equal(pt_pickle_lookup(d, "a")->integer, 3);
    assert_int_equal(pt_pickle_lookup(d, "b")->integer, 2);
    assert_null(pt_pickle_lookup(d, "c"));
    pt_pickle_destroy(&p);
}

static void test_a_call_is_recorded_and_not_made(void **state)
{
    pt_pickle *p = PARSE("ctorch._utils\n_rebuild_tensor\nK\x07\x85R.");
    const pt_pickle_value *v = pt_pickle_root(p);

    assert_int_equal(v->kind, PT_PICKLE_OBJECT);
    assert_int_equal(v->global, 1);
    assert_int_equal(v->of->items[0]->integer, 7);
    pt_pickle_destroy(&p);
}

/* The pickle's root is a stranger of that name. */
static void assert_stranger(const void *bytes, size_t n, const char *name)
{
    pt_pickle *p = parse(bytes, n);
    char text[PT_PICKLE_SHOWN];

    assert_true(pt_pickle_is_stranger(pt_pickle_root(p)));
    pt_pickle_stranger_text(pt_pickle_root(p), text);
    assert_string_equal(text, name);
    pt_pickle_destroy(&p);
}

#define STRANGER(text, name) assert_stranger(text, sizeof text - 1, name)

static void test_globals_that_are_not_known_keep_their_name_and_do_nothing(void **state)
{
    STRANGER("\x80\x02"
             "cos\nsystem\n.",
             "os.system");
    STRANGER("cos\nsystem\nU\x08"
             "rm -rf /\x85R.",
             "os.system");
    STRANGER("cargparse\nNamespace\n)\x81}U\x01"
             "aK\x01sb.",
             "argparse.Namespace");
    STRANGER("\x80\x04\x95\x01\0\0\0\0\0\0\0\x8c\x02os\x8c\x06system\x93)}\x92.",
             "os.system");
    STRANGER("ccollections\nOrderedDict2\n.", "collections.OrderedDict2");
    STRANGER("ccollectio\nns.OrderedDict\n.", "collectio.ns.OrderedDict");
    STRANGER("ca\033[31m\x80\n\n.", "a?[31m?.");
    STRANGER("ccollections\ndeque\n)R(K\x01K\x02"
             "eK\x03"
             "a.",
             "collections.deque");
    STRANGER("ccollections\ndefaultdict\n)R(K\x01K\x02uK\x03K\x04s.",
             "collections.defaultdict");
    REFUSE("cos\nsystem", "an unterminated name");
    REFUSE("K\x01K\x02\x93.", "a global named by an integer and an integer is refused");
}

static void test_protocols_4_and_5_are_read(void **state)
{
    pt_pickle *p = PARSE("\x80\x05\x95\x20\0\0\0\0\0\0\0}\x94(\x8c\x01"
                         "a\x94"
                         "\x8f\x94(K\x01K\x02\x90"
                         "\x8d\x01\0\0\0\0\0\0\0"
                         "b(K\x03\x91"
                         "h\x01h\x02u.");
    const pt_pickle_value *d = pt_pickle_root(p);

    assert_int_equal(d->n, 6);
    assert_ptr_equal(pt_pickle_lookup(d, "a"), d->items[5]); /* memo 1 and 2 */
    assert_int_equal(d->items[1]->n, 2);
    assert_int_equal(pt_pickle_lookup(d, "b")->n, 1);
    pt_pickle_destroy(&p);
}

static void test_odd_calls_are_refused(void **state)
{
    REFUSE("]N\x85R.", "a call of a list with a tuple is refused");
    REFUSE("ctorch\nFloatStorage\n)R.", "a call of torch.FloatStorage is refused");
    REFUSE("ctorch._utils\n_rebuild_tensor\nNR.", "with None is refused");
    REFUSE("ccollections\nOrderedDict\n)R)R.", "a call of a dictionary");
    REFUSE("ccollections\nOrderedDict\nK\x01\x85R.", "made from 1 arguments");
    REFUSE("ccollections\nOrderedDict\n]K\x01"
           "a\x85R.",
           "item 0 of a dictionary is not a pair");
    REFUSE("ctorch._utils\n_rebuild_tensor\n)R}b.",
           "expected a dictionary, found an object");
}

static void test_opcodes_that_make_objects_are_refused(void **state)
{
    static const char codes[] = "iop\x82\x83\x84IS2";

    for (size_t i = 0; i < sizeof codes - 1; i++) {
        char text[] = "N?.", words[40];

        text[1] = codes[i];
        snprintf(words, sizeof words, "byte 1: opcode 0x%02x is refused",
                 (unsigned char)codes[i]);
        refuse(text, 3, words);
    }
}

/* The fuzzer's: a mark on a stack that has no memory yet. */
static void test_an_empty_tuple_may_come_first(void **state)
{
    pt_pickle *p = PARSE("(t.");

    assert_int_equal(pt_pickle_root(p)->kind, PT_PICKLE_TUPLE);
    assert_int_equal(pt_pickle_root(p)->n, 0);
    pt_pickle_destroy(&p);
}

static void test_broken_stacks_are_refused(void **state)
{
    REFUSE(".", "0 values on the stack");
    REFUSE("NN.", "2 values on the stack");
    REFUSE("N(.", "on the stack");
    REFUSE("0.", "the stack is empty");
    REFUSE("t.", "there is no mark");
    REFUSE("N(R.", "the stack is empty"); /* a call does not reach below a mark */
    REFUSE("N\x86.", "a tuple needs 2 values");
    REFUSE("]}s.", "the stack is empty");
    REFUSE("](NNu.", "expected a dictionary, found a list");
    REFUSE("}(Nu.", "1 keys and values do not pair");
    REFUSE("}Na.", "expected a list, found a dictionary");
    REFUSE("q\x01.", "the stack is empty");
    REFUSE("", "ends after 0 bytes");
    REFUSE("X\xff\xff\xff\xff"
           "abc",
           "ends after 3 bytes, 4294967295 more are needed");
    REFUSE("\x8b\xff\xff\xff\xff", "more are needed");
    REFUSE("\x80\x06N.", "protocol 6 is not supported, only 2 to 5");
}

static void test_a_memo_index_beyond_the_file_is_refused(void **state)
{
    REFUSE("]r\xff\xff\xff\x7f.", "memo index 2147483647 is beyond the 7 bytes");
    REFUSE("h\x05.", "memo 5 was never set");
    REFUSE("]q\x01h\x00.", "memo 0 was never set");
}

static void refuse_repeated(const char *unit, size_t times, const char *words)
{
    size_t n = strlen(unit);
    char *text = malloc(n * times + 1);

    assert_non_null(text);
    for (size_t i = 0; i < times; i++) memcpy(text + i * n, unit, n);
    text[n * times] = '.';
    refuse(text, n * times + 1, words);
    free(text);
}

static void test_deep_nesting_is_refused_at_its_limit(void **state)
{
    refuse_repeated("]", 100000, "the stack is deeper than 65536 values");
    refuse_repeated("(", 100000, "holds more than 65536 marks");
    refuse_repeated("]\x85\x85\x85"
                    "0",
                    100000, "holds more than 262144 values");
}

static void test_a_long_chain_of_tuples_is_freed_without_recursion(void **state)
{
    size_t n = 200000;
    char *text = malloc(n + 2);
    pt_pickle *p;

    assert_non_null(text);
    text[0] = ']';
    memset(text + 1, 0x85, n);
    text[n + 1] = '.';
    p = parse(text, n + 2);
    assert_int_equal(pt_pickle_root(p)->kind, PT_PICKLE_TUPLE);
    pt_pickle_destroy(&p);
    free(text);
}

/* One list of 1000 pairs, from which 1000 dictionaries are made: a million references out
 * of some kilobytes. */
static void test_one_list_in_many_dictionaries_is_refused(void **state)
{
    static const char call[] = "ccollections\nOrderedDict\nh\0\x85R0";
    const size_t n_pairs = 1000, n_calls = 1000;
    char *text = malloc(8192 + n_pairs * 5 + n_calls * sizeof call), *at = text;

    assert_non_null(text);
    memcpy(at, "]q\0(", 4);
    at += 4;
    for (size_t i = 0; i < n_pairs; i++, at += 3) memcpy(at, "NN\x86", 3);
    *at++ = 'e';
    for (size_t i = 0; i < n_calls; i++, at += sizeof call - 1)
        memcpy(at, call, sizeof call - 1);
    *at++ = '.';
    refuse(text, (size_t)(at - text), "references");
    free(text);
}

static void test_billion_laughs_stay_small_and_are_refused(void **state)
{
    assert_refused(pt_torch_open, FIXTURES "laughs.th",
                   "its dictionary holds no tensors");
}

static void test_os_system_in_a_file_of_weights_is_refused(void **state)
{
    assert_refused(
        pt_torch_open, FIXTURES "os_system.th",
        "holds an object of posix.system, which only its own program can load");
}

/* ---- tensors that lie ------------------------------------------------------------- */

typedef struct {
    uint8_t bytes[2048];
    size_t n;
} text;

static void add(text *t, const void *bytes, size_t n)
{
    assert_true(n <= sizeof t->bytes - t->n);
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
}

#define ADD(t, literal) add(t, literal, sizeof literal - 1)

/* A file with one storage "0" of 4 floats: count as given, then 16 bytes; and one tensor
 * with this pickle of (offset, size, stride). */
static void refuse_tensor(const char *view, size_t n_view, const char *count,
                          const char *words)
{
    static const char path[] = "/tmp/ptrain-pickle.th";
    text t = {.n = 0};

    add(&t, pt_torch_magic, PT_TORCH_MAGIC);
    ADD(&t, "\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}U\x01wctorch._utils\n_rebuild_tensor\n("
            "(U\x07storagectorch\nFloatStorage\nU\x01"
            "0U\x03"
            "cpuK\x04NtQ");
    add(&t, view, n_view);
    ADD(&t, "tRs.\x80\x02]U\x01"
            "0a.");
    add(&t, count, 8);
    ADD(&t, "................");
    write_file(path, t.bytes, t.n);
    if (*words) {
        assert_refused(pt_torch_open, path, words);
    } else {
        pt_table *table = NULL;

        assert_int_equal(pt_torch_open(path, &table), PT_OK);
        pt_table_destroy(&table);
    }
    assert_int_equal(remove(path), 0);
}

#define REFUSE_TENSOR(view, count, words)                                                \
    refuse_tensor(view, sizeof view - 1, count, words)

static void test_tensors_that_reach_beyond_their_storage_are_refused(void **state)
{
    const char *four = "\4\0\0\0\0\0\0\0";

    REFUSE_TENSOR("K\0K\4\x85K\1\x85", four, ""); /* this one is right */
    REFUSE_TENSOR("K\1K\4\x85K\1\x85", four, "w reaches beyond the 4 values");
    REFUSE_TENSOR("K\0K\2\x85K\4\x85", four, "w reaches beyond");
    REFUSE_TENSOR("K\0K\5\x85K\0\x85", four, "w reaches beyond"); /* stride 0 */
    REFUSE_TENSOR("K\0K\2\x85\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", four,
                  "w reaches beyond");
    REFUSE_TENSOR("K\0\x8a\x08\0\0\0\0\0\0\0\x40\x85K\0\x85", four, "too large");
    REFUSE_TENSOR("K\0J\xff\xff\xff\xff\x85K\1\x85", four, "not made of numbers");
    REFUSE_TENSOR("J\xff\xff\xff\xffK\4\x85K\1\x85", four, "lacks storage");
    REFUSE_TENSOR("K\0K\4\x85)", four, "lacks storage");
    REFUSE_TENSOR("K\0K\4\x85K\1\x85", "\5\0\0\0\0\0\0\0", "its tensors expect 4");
    REFUSE_TENSOR("K\0K\4\x85K\1\x85", "\xff\xff\xff\xff\xff\xff\xff\xff",
                  "tensors expect 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_every_opcode_are_read),
        cmocka_unit_test(test_dictionaries_keep_the_last_value_of_a_key),
        cmocka_unit_test(test_a_call_is_recorded_and_not_made),
        cmocka_unit_test(test_globals_that_are_not_known_keep_their_name_and_do_nothing),
        cmocka_unit_test(test_protocols_4_and_5_are_read),
        cmocka_unit_test(test_odd_calls_are_refused),
        cmocka_unit_test(test_opcodes_that_make_objects_are_refused),
        cmocka_unit_test(test_an_empty_tuple_may_come_first),
        cmocka_unit_test(test_broken_stacks_are_refused),
        cmocka_unit_test(test_a_memo_index_beyond_the_file_is_refused),
        cmocka_unit_test(test_deep_nesting_is_refused_at_its_limit),
        cmocka_unit_test(test_a_long_chain_of_tuples_is_freed_without_recursion),
        cmocka_unit_test(test_one_list_in_many_dictionaries_is_refused),
        cmocka_unit_test(test_billion_laughs_stay_small_and_are_refused),
        cmocka_unit_test(test_os_system_in_a_file_of_weights_is_refused),
        cmocka_unit_test(test_tensors_that_reach_beyond_their_storage_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
