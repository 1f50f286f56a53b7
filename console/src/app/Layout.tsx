import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  Select,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconApps,
  IconDeviceDesktop,
  IconFileCode,
  IconHistory,
  IconHistoryToggle,
  IconInfoCircle,
  IconKey,
  IconHome,
  IconLogout,
  IconMoon,
  IconSun,
  IconTable,
  IconUser,
  IconUserCircle,
  IconUserCog,
  IconUsers,
  IconWebhook,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link, Outlet, useLocation, useMatch, useNavigate, useParams } from "react-router";
import { DropZone } from "../features/files/Drop";
import { SearchButton } from "../features/search/SearchButton";
import { useSession } from "../features/session/session";
import { useIsManager } from "../features/session/useIsManager";
import { workspacesQuery } from "../features/tables/queries";
import classes from "./Layout.module.css";

/** Pages about the whole installation, for administrators. */
const ADMINISTRATION = [
  { page: "users", label: "Users", icon: IconUserCog },
  { page: "admin-tokens", label: "Admin tokens", icon: IconKey },
  { page: "audit", label: "Audit log", icon: IconHistory },
  { page: "about", label: "About", icon: IconInfoCircle },
];

/** The frame of every page of a workspace: navigation on the left, the page on the right. */
export function Layout() {
  const { session } = useSession();
  const { workspace = session?.workspaces[0]?.name } = useParams();
  const isManager = useIsManager(workspace);
  const [isOpen, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const openTable = useMatch("/w/:workspace/tables/:name")?.params.name;
  useFocusOnNewPage(pathname);
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 200, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding={0}
    >
      <AppShell.Header>
        <a className="skip-link" href="#main" onClick={skipToMain}>
          Skip to the content
        </a>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
            <Link to="/" className={classes.brand}>
              Rowkeep
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            {workspace !== undefined && <SearchButton workspace={workspace} />}
            {workspace !== undefined && <WorkspaceSelect workspace={workspace} />}
            <UserMenu account={workspace === undefined ? "/account" : `/w/${workspace}/account`} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Main">
        {workspace !== undefined && (
          <NavLink
            component={Link}
            to={`/w/${workspace}`}
            label="Home"
            leftSection={<IconHome size={16} aria-hidden />}
            active={/\/w\/[^/]+\/?$/.test(pathname)}
            onClick={close}
          />
        )}
        {workspace !== undefined && (
          <NavLink
            component={Link}
            to={`/w/${workspace}/tables`}
            label="Tables"
            leftSection={<IconTable size={16} aria-hidden />}
            active={/\/(tables|views)(\/|$)/.test(pathname)}
            onClick={close}
          />
        )}
        {workspace !== undefined && (
          <NavLink
            component={Link}
            to={`/w/${workspace}/history`}
            label="History"
            leftSection={<IconHistoryToggle size={16} aria-hidden />}
            active={pathname.endsWith("/history")}
            onClick={close}
          />
        )}
        {workspace !== undefined && isManager && (
          <NavLink
            component={Link}
            to={`/w/${workspace}/define`}
            label="Definitions"
            leftSection={<IconFileCode size={16} aria-hidden />}
            active={pathname.endsWith("/define")}
            onClick={close}
          />
        )}
        {session?.workspaces.some(({ name, role }) => name === workspace && role !== null) && (
          <NavLink
            component={Link}
            to={`/w/${workspace}/members`}
            label="Members"
            leftSection={<IconUsers size={16} aria-hidden />}
            active={pathname.endsWith("/members")}
            onClick={close}
          />
        )}
        {isManager && workspace !== undefined && (
          <NavLink
            component={Link}
            to={`/w/${workspace}/apps`}
            label="Apps"
            leftSection={<IconApps size={16} aria-hidden />}
            active={/\/(apps(\/|$)|grants$)/.test(pathname)}
            onClick={close}
          />
        )}
        {isManager && workspace !== undefined && (
          <NavLink
            component={Link}
            to={`/w/${workspace}/webhooks`}
            label="Webhooks"
            leftSection={<IconWebhook size={16} aria-hidden />}
            active={/\/webhooks(\/|$)/.test(pathname)}
            onClick={close}
          />
        )}
        {session?.admin === true &&
          workspace !== undefined &&
          ADMINISTRATION.map(({ page, label, icon: Icon }) => (
            <NavLink
              key={page}
              component={Link}
              to={`/w/${workspace}/${page}`}
              label={label}
              leftSection={<Icon size={16} aria-hidden />}
              active={pathname.endsWith(`/${page}`)}
              onClick={close}
            />
          ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <Outlet />
        {/* the page of definitions takes files of its own */}
        {workspace !== undefined && !pathname.endsWith("/define") && (
          <DropZone workspace={workspace} table={openTable} />
        )}
      </AppShell.Main>
    </AppShell>
  );
}

/** Gives a new page the focus, if what had it went with the former page: keys go on from there, not from the top. */
function useFocusOnNewPage(pathname: string): void {
  const former = useRef(pathname);
  useEffect(() => {
    if (former.current === pathname) return;
    former.current = pathname;
    if (document.activeElement === document.body)
      document.getElementById("main")?.focus({ preventScroll: true });
  }, [pathname]);
}

/** The address of the page has a base, so a link to a fragment would leave the page. */
function skipToMain(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function WorkspaceSelect({ workspace }: { workspace: string }) {
  const { data } = useQuery(workspacesQuery());
  const navigate = useNavigate();
  const names = data?.map((each) => each.name) ?? [workspace];
  if (names.length < 2) return null;
  return (
    <Select
      aria-label="Workspace"
      data={names}
      value={workspace}
      allowDeselect={false}
      searchable
      size="xs"
      w={{ base: 110, sm: 150 }}
      onChange={(name) => {
        if (name !== null) void navigate(`/w/${name}`);
      }}
    />
  );
}

function UserMenu({ account }: { account: string }) {
  const { session, signOut } = useSession();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label="Account and appearance">
          <IconUser size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session?.name}</Menu.Label>
        <Menu.Item component={Link} to={account} leftSection={<IconUserCircle size={14} />}>
          Your account
        </Menu.Item>
        <Menu.Divider />
        <SchemeItem scheme="light" current={colorScheme} set={setColorScheme} icon={<IconSun size={14} />} />
        <SchemeItem scheme="dark" current={colorScheme} set={setColorScheme} icon={<IconMoon size={14} />} />
        <SchemeItem
          scheme="auto"
          current={colorScheme}
          set={setColorScheme}
          icon={<IconDeviceDesktop size={14} />}
        />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={14} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

type Scheme = "light" | "dark" | "auto";
const SCHEMES: Record<Scheme, string> = { light: "Light", dark: "Dark", auto: "Like the system" };

interface SchemeItemProps {
  scheme: Scheme;
  current: Scheme;
  set: (scheme: Scheme) => void;
  icon: React.ReactNode;
}

function SchemeItem({ scheme, current, set, icon }: SchemeItemProps) {
  return (
    <Menu.Item
      data-autofocus={scheme === current || undefined}
      leftSection={icon}
      onClick={() => set(scheme)}
      fw={scheme === current ? 700 : undefined}
    >
      {SCHEMES[scheme]}
      {scheme === current && <span className="visually-hidden"> (selected)</span>}
    </Menu.Item>
  );
}
