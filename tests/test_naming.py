import numpy as np

import symhep as sh


def names_of(function, **options):
    return set(sh.kernel(function, **options).variant().optimised.graph.names.values())


def test_a_product_that_is_taken_apart_and_put_together_again():
    assert names_of(lambda a, b: sh.name(a * b, "s12") ** 2) == {"s12"}


def test_a_sum_that_the_optimiser_finds_in_another_way():
    def f(a, b, c):
        s = sh.name(a + b, "s")
        return (a * a + 2 * a * b + b * b) * c + s * c

    assert names_of(f) <= {"s"}
    assert names_of(lambda x, y: sh.name(np.cos(np.arctan2(y, x)), "cosine") * 2 + x) == {"cosine"}


def test_both_parts_of_a_complex_value():
    def f(x, y):
        z = sh.name((x + 1j * y) * (y + 3j), "amplitude")
        return np.exp(z.real) * np.exp(z.imag)

    assert names_of(f) == {"amplitude.real", "amplitude.imag"}


def test_components_of_a_vector():
    kernel = sh.kernel(lambda x, y: np.sum(np.sin(sh.name(np.stack([x * y, x + y]), "v"))))
    assert "v_0 = " in kernel.source("numpy") and "v_1 = " in kernel.source("numba")


def test_a_choice_is_not_mistaken_for_one_of_its_arguments():
    def f(x, y):
        return np.sqrt(sh.name(np.maximum(x * y, 1e-300), "safe")) + x * y

    graph = sh.kernel(f).variant().optimised.graph
    ((node, _),) = graph.names.items()
    assert node.op == "maximum"


def test_names_change_nothing_else():
    def f(a, b, c, name):
        return name(name(a * b, "ab") * c, "abc") ** 2 + name(a - b, "d") * c

    named = sh.kernel(lambda a, b, c: f(a, b, c, sh.name))
    plain = sh.kernel(lambda a, b, c: f(a, b, c, lambda x, _: x))
    assert named.count() == plain.count()
    graphs = [k.variant().optimised.graph for k in (named, plain)]
    assert [n.key for n in graphs[0].order] == [n.key for n in graphs[1].order]


def test_the_report_says_which_are_there():
    def f(a, b):
        return sh.name(a * b, "kept") ** 2 + b + 0 * sh.name(a - b, "gone")

    kernel = sh.kernel(f)
    assert "named: kept; no longer computed: gone" in str(kernel.report())
    assert kernel.report().as_dict()["names"]["kept"] is True
    assert "kept" in kernel.source("numba") and "kept" in kernel.source("numpy")
