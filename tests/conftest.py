"""What every test may ask for."""


def pytest_configure(config):
    config.addinivalue_line("markers", "golden: checks that a generated file is what the code makes of it")
