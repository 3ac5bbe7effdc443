import networkx
import numpy as np

import symhep as sh


@sh.kernel
def mass(pt1, pt2, deta, dphi):
    angles = sh.name(np.cosh(deta) - np.cos(dphi), "angles")
    return np.sqrt(2 * pt1 * pt2 * angles)


def test_is_the_optimised_program():
    view = mass.graph
    assert isinstance(view, networkx.DiGraph) and networkx.is_directed_acyclic_graph(view)
    assert list(view) == list(range(len(view)))
    assert [view.nodes[n]["label"] for n in range(4)] == ["pt1", "pt2", "deta", "dphi"]
    operations = [op for _, op in view.nodes(data="op") if op not in ("input", "const", "neg")]
    assert len(operations) == mass.count().total
    assert all(a < b for a, b in view.edges)


def test_nodes_say_what_they_are_and_where_they_come_from():
    view = mass.graph
    (named,) = [data for _, data in view.nodes(data=True) if data["name"] == "angles"]
    assert (named["op"], named["label"], named["dtype"], named["outputs"]) == ("sub", "−", "real", ())
    cosh = next(data for _, data in view.nodes(data=True) if data["op"] == "cosh")
    file, _, line = cosh["where"].rpartition(":")
    assert file == __file__ and int(line) == mass.fn.__code__.co_firstlineno + 2
    (result,) = [n for n, outputs in view.nodes(data="outputs") if outputs]
    assert view.nodes[result]["op"] == "sqrt" and view.out_degree(result) == 0


def test_edges_know_their_places():
    view = sh.kernel(lambda x, y, unused: (x / y, x * x)).graph
    places = {(view.nodes[a]["label"], view.nodes[b]["label"]): p for a, b, p in view.edges(data="positions")}
    assert places["x", "×"] == (0, 1) and places["x", "÷"] == (0,) and places["y", "÷"] == (1,)
    assert view.degree(2) == 0 and view.nodes[2]["label"] == "unused"


def test_algorithms_apply():
    view = mass.graph
    assert networkx.dag_longest_path_length(view) >= 3
    assert networkx.descendants(view, 0) and not networkx.ancestors(view, 0)
