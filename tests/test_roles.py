"""What a file is for."""

from __future__ import annotations

import pytest

from slowpath.roles import Role, apps_in, role_of

PATHS: dict[Role, str] = {
    "production": """
        models.py  shop/views.py  src/shop/orders/service.py  contest/views.py  latest.py  shop/testimonials.py
        shop/attestation/views.py  fixtures/shop/orders/views.py  app/docs/views.py  agent/tools/search.py
        content_management/commands/buy.py
        ab_test/views.py  shop/versions/models.py  api/versions/v1.py  shop/commands/buy.py
        management/views.py  shop/factories.py
    """,
    "test": """
        tests/views.py  shop/tests/factories.py  shop/test_views.py  shop/views_test.py  conftest.py  shop/tests.py
        tests/migrations/0001_initial.py  test/app.py  integration_tests/run.py  shop/testing/clients.py
        shop/management/commands/tests/test_import.py  scripts/test_deploy.py
    """,
    "migration": """
        shop/migrations/0001_initial.py  alembic/versions/3f1_add_user.py  alembic/env.py  migrations/env.py
        shop/data_migrations/0002_fill.py  shop/migrate/versions/orders.py  db/versions/9dcef7592cea_add_orders.py
    """,
    "command": """
        shop/management/commands/import_orders.py  src/shop/management/commands/sub/run.py
    """,
    "script": """
        scripts/deploy.py  backend/scripts/seed.py  bin/run.py  docs/conf.py  examples/shop/app.py  setup.py  noxfile.py
        manage.py  backend/manage.py  tools/lint.py  benchmarks/run.py
    """,
}


@pytest.mark.parametrize(("role", "path"), [(role, path) for role, paths in PATHS.items() for path in paths.split()])
def test_role(role: Role, path: str) -> None:
    assert role_of(path) == role


def test_apps_are_called_like_folders_of_scripts() -> None:
    apps = apps_in(
        ["cookbook/models.py", "tools/migrations/0001.py", "docs/conf.py", "demo/models.py", "shop/models.py"]
    )
    assert apps == {"cookbook", "tools"}
    assert role_of("cookbook/views/api.py", apps) == "production"
    assert role_of("cookbook/views/api.py") == "script"
    assert role_of("cookbook/scripts/seed.py", apps) == "script"
