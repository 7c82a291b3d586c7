export type {
  Attempt,
  Link,
  LinkEvents,
  LinkState,
  Links,
  LinksEvents,
  LinksInit,
  PathEventDetail,
  PathInfo,
  PathRole,
  ReservationDetail,
  ReservationInfo,
  ReservationLostDetail,
  ReservationStatus,
  Transition,
  UpgradePolicy,
  UpgradeStatus
} from '../link/index.ts'
export type { PathBudget, PathKind } from '../path/index.ts'
