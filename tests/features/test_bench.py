from core.features import bench


def test_pandas_gives_the_same_features_and_the_ratios_are_of_this_run() -> None:
    said = bench.run(n=3000, rounds=2)
    assert said["same_missing"]
    assert said["largest_relative_difference"] < 1e-9
    assert said["ratio_to_pandas"] > 0
    assert said["ratio_to_touch"] > 0
